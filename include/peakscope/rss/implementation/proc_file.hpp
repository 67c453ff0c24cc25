// SPDX-License-Identifier: MIT
// The bodies of rss/proc_file.hpp, and how the numbers in such files are found.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/rss/proc_file.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#if defined(__linux__)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace peakscope::rss::detail {

proc_file::~proc_file() { close(); }

#if defined(__linux__)
int proc_file::open(const char* path, access wanted) noexcept {
    close();
    path_ = path;
    access_ = wanted;
    process_ = ::getpid();
    descriptor_ = ::open(path, (wanted == access::read ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
    if (descriptor_ >= 0 && descriptor_ <= STDERR_FILENO) { // closed by the program, which may write there all the same
        const int free_one = std::exchange(descriptor_, ::fcntl(descriptor_, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
        ::close(free_one);
    }
    return descriptor_ < 0 ? errno : 0;
}
void proc_file::close() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}
int proc_file::descriptor() noexcept {
    if (process_ != ::getpid()) static_cast<void>(open(path_, access_));
    return descriptor_;
}
std::string_view proc_file::read_start(std::array<char, 4096>& buffer) noexcept {
    return {buffer.data(), read_at(0, buffer.data(), buffer.size())};
}
std::size_t proc_file::read_at(long position, char* into, std::size_t most) noexcept {
    return static_cast<std::size_t>(std::max(::pread(descriptor(), into, most, position), ::ssize_t{0}));
}
int proc_file::write_start(std::string_view text) noexcept {
    return ::pwrite(descriptor(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) ? 0 : errno;
}
#else
int proc_file::open(const char*, access) noexcept { return ENOSYS; }
void proc_file::close() noexcept {}
int proc_file::descriptor() noexcept { return descriptor_; }
std::string_view proc_file::read_start(std::array<char, 4096>&) noexcept { return {}; }
std::size_t proc_file::read_at(long, char*, std::size_t) noexcept { return 0; }
int proc_file::write_start(std::string_view) noexcept { return ENOSYS; }
#endif

// Of a line that is longer than 8,192 bytes, the end alone is used.
template <class Use>
void for_each_line(proc_file& file, Use use) {
    std::array<char, 8'192> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
    std::size_t begun = 0;          // of a line whose end is still to be read
    long at = 0;
    while (const std::size_t length = file.read_at(at, buffer.data() + begun, buffer.size() - begun)) {
        at += static_cast<long>(length);
        const std::size_t read = begun + length;
        std::string_view text{buffer.data(), read};
        for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1))
            use(text.substr(0, end));
        begun = text.size() < buffer.size() ? text.size() : 0;
        std::memmove(buffer.data(), buffer.data() + read - begun, begun);
    }
}

// The number after `key` at the start of a line; "VmRSS:" is followed by blanks, the number, " kB".
// Flattened, because it runs for each phase.
[[nodiscard, gnu::flatten]] inline std::optional<std::int64_t> number_after(std::string_view text,
                                                                            std::string_view key) noexcept {
    std::size_t at = text.find(key);
    while (at != std::string_view::npos && at != 0 && text[at - 1] != '\n')
        at = text.find(key, at + 1);
    if (at == std::string_view::npos) return std::nullopt;
    at = text.find_first_not_of(" \t", at + key.size());
    if (at == std::string_view::npos) return std::nullopt;
    std::int64_t number = 0;
    const auto parsed = std::from_chars(text.data() + at, text.data() + text.size(), number);
    return parsed.ec == std::errc{} ? std::optional{number} : std::nullopt;
}

[[nodiscard]] inline std::optional<bytes> kib_after(std::string_view text, std::string_view key) noexcept {
    const std::optional<std::int64_t> kib = number_after(text, key);
    return kib ? std::optional{bytes{*kib * 1024}} : std::nullopt;
}

// A sentence for the report's notes. `reason` is an errno value.
[[nodiscard]] inline std::string unavailable_because(std::string_view what, const char* path, int reason) {
    return std::string{what} + " unavailable: " + path + ": " + std::generic_category().message(reason);
}

} // namespace peakscope::rss::detail
