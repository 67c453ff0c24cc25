// SPDX-License-Identifier: MIT
// The bodies of sites/name_cache.hpp. A file is a line that says what it is of, a checksum, and the names. It comes to
// be under another name, and so nobody reads half of one.
#pragma once

#include <peakscope/sites/implementation/name_table.hpp>
#include <peakscope/sites/name_cache.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace peakscope::sites::detail {

#if defined(__linux__)

inline constexpr std::string_view cache_suffix = ".names";
inline constexpr ::off_t largest_cache_file = 16 << 20;
inline constexpr ::off_t largest_cache = 64 << 20;

class file_descriptor {
  public:
    explicit file_descriptor(int number) noexcept : number_(number) {}
    ~file_descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    file_descriptor(const file_descriptor&) = delete;
    file_descriptor& operator=(const file_descriptor&) = delete;
    [[nodiscard]] int number() const noexcept { return number_; }

  private:
    int number_;
};

// Whether others could have written what is there.
[[nodiscard]] inline bool is_users_alone(const struct ::stat& of) noexcept {
    return of.st_uid == ::geteuid() && (of.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// Of a file that is kept here, or of a part of one: a build id, the suffix, and the number of a process.
[[nodiscard]] inline bool is_kept_name(std::string_view name) noexcept {
    const auto all_of = [](std::string_view text, std::string_view digits) {
        return text.find_first_not_of(digits) == std::string_view::npos;
    };
    const std::size_t id = std::min(name.find('.'), name.size());
    const std::string_view rest = name.substr(id);
    if (id < 8 || !all_of(name.substr(0, id), "0123456789abcdef") || !rest.starts_with(cache_suffix)) return false;
    const std::string_view process = rest.substr(cache_suffix.size());
    return process.empty() || (process.size() > 1 && process[0] == '.' && all_of(process.substr(1), "0123456789"));
}

[[nodiscard]] inline ::off_t size_of_file(const std::string& path) noexcept {
    struct ::stat of{};
    return ::stat(path.c_str(), &of) == 0 ? of.st_size : 0;
}

// A binary that is stripped has the build id of the one that is not, and debug information may come in a package of its
// own: the names are not the same then.
[[nodiscard]] inline std::string cache_head(const module_report& of) {
    const std::string& id = of.build_id;
    return "peakscope names 1 " + id + " " + std::to_string(size_of_file(of.path)) + " " +
           std::to_string(size_of_file("/usr/lib/debug/.build-id/" + id.substr(0, 2) + "/" + id.substr(2) + ".debug")) +
           "\n";
}

[[nodiscard]] inline std::string checksum_of(std::string_view text) {
    std::uint64_t hash = 0xcbf29ce484222325U; // FNV-1a
    for (const char each : text)
        hash = (hash ^ static_cast<unsigned char>(each)) * 0x100000001b3U;
    return std::to_string(hash) + "\n";
}

name_cache::name_cache() : name_cache(::secure_getenv("PEAKSCOPE_CACHE")) {}

name_cache::name_cache(const char* folder) {
    if (folder == nullptr || *folder == '\0') return;
    static_cast<void>(::mkdir(folder, S_IRWXU));
    folder_ = ::open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct ::stat of{};
    if (folder_ >= 0 && ::fstat(folder_, &of) == 0 && is_users_alone(of)) return;
    if (folder_ >= 0) ::close(folder_);
    folder_ = -1;
    remark_ = "sites: names are not kept: '" + std::string{folder} +
              "', which PEAKSCOPE_CACHE names, is not a folder of this user's that nobody else may write to";
}

name_cache::~name_cache() {
    if (folder_ >= 0) ::close(folder_);
}

name_table name_cache::read(const module_report& of) const {
    if (!is_on() || of.build_id.empty()) return {};
    const file_descriptor file{::openat(folder_, (of.build_id + std::string{cache_suffix}).c_str(),
                                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    struct ::stat is{};
    if (file.number() < 0 || ::fstat(file.number(), &is) != 0 || !S_ISREG(is.st_mode) || !is_users_alone(is) ||
        is.st_size > largest_cache_file)
        return {};
    std::string text(static_cast<std::size_t>(is.st_size), '\0');
    for (std::size_t done = 0; done < text.size();) {
        const ::ssize_t got = ::read(file.number(), text.data() + done, text.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return {};
        done += static_cast<std::size_t>(got);
    }
    std::string_view rest = text;
    const std::string head = cache_head(of);
    if (!rest.starts_with(head)) return {};
    rest.remove_prefix(head.size());
    const std::string_view sum = rest.substr(0, std::min(rest.find('\n'), rest.size() - 1) + 1);
    rest.remove_prefix(sum.size());
    if (sum != checksum_of(rest)) return {};
    std::optional<name_table> names = decoded(rest);
    return names ? std::move(*names) : name_table{};
}

void name_cache::keep(const module_report& of, const name_table& names) const {
    if (!is_on() || of.build_id.empty()) return;
    const std::string body = encoded(names);
    const std::string text = cache_head(of) + checksum_of(body) + body;
    ::rlimit of_files{};
    if (static_cast<::off_t>(text.size()) > largest_cache_file ||
        (::getrlimit(RLIMIT_FSIZE, &of_files) == 0 && text.size() > of_files.rlim_cur)) // a signal ends who writes more
        return;
    const std::string name = of.build_id + std::string{cache_suffix};
    const std::string part = name + "." + std::to_string(::getpid());
    static_cast<void>(::unlinkat(folder_, part.c_str(), 0)); // of a process that died, long ago
    bool complete = false;
    {
        const file_descriptor file{
            ::openat(folder_, part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR)};
        if (file.number() < 0) return;
        std::string_view rest = text;
        while (!rest.empty()) {
            const ::ssize_t written = ::write(file.number(), rest.data(), rest.size());
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) break; // no space, say
            rest.remove_prefix(static_cast<std::size_t>(written));
        }
        complete = rest.empty();
    }
    if (!complete || ::renameat(folder_, part.c_str(), folder_, name.c_str()) != 0)
        static_cast<void>(::unlinkat(folder_, part.c_str(), 0));
    make_room();
}

void name_cache::make_room() const {
    struct kept_file {
        ::time_t written;
        ::off_t size;
        std::string name;
    };
    const std::unique_ptr<::DIR, int (*)(::DIR*)> all{
        ::fdopendir(::openat(folder_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), &::closedir};
    if (all == nullptr) return;
    std::vector<kept_file> files;
    ::off_t sum = 0;
    while (const ::dirent* const each = ::readdir(all.get())) {
        struct ::stat of{};
        if (!is_kept_name(each->d_name) || ::fstatat(folder_, each->d_name, &of, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(of.st_mode))
            continue;
        files.push_back({of.st_mtime, of.st_size, each->d_name});
        sum += of.st_size;
    }
    std::ranges::sort(files, {}, &kept_file::written);
    for (const kept_file& oldest : files) {
        if (sum <= largest_cache) return;
        if (::unlinkat(folder_, oldest.name.c_str(), 0) == 0) sum -= oldest.size;
    }
}

#else

name_cache::name_cache() = default;
name_cache::name_cache(const char*) {}
name_cache::~name_cache() = default;
name_table name_cache::read(const module_report&) const { return {}; }
void name_cache::keep(const module_report&, const name_table&) const {}

#endif

} // namespace peakscope::sites::detail
