// SPDX-License-Identifier: MIT
// The bodies of report/destination.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/memory/process.hpp>
#include <peakscope/report/destination.hpp>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace peakscope::report {

namespace detail {

[[noreturn]] inline void fail_to_write(const std::string& where) {
    const int reason = errno;
    throw write_error(where, std::error_code{reason, std::generic_category()}.message());
}

inline void write_stream(std::ostream& stream, std::string_view text) {
    stream.write(text.data(), static_cast<std::streamsize>(text.size()));
    stream.flush();
    if (!stream) throw write_error("a stream", "the stream has failed");
}

inline void write_open_file(std::FILE* file, std::string_view text, const std::string& where) {
    errno = 0;
    if (std::fwrite(text.data(), 1, text.size(), file) != text.size() || std::fflush(file) != 0) fail_to_write(where);
}

using open_file = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

inline void write_and_close(open_file file, std::string_view text, const std::string& where) {
    write_open_file(file.get(), text, where);
    errno = 0;
    if (std::fclose(file.release()) != 0) fail_to_write(where);
}

// A file that was not there, beside the one that it shall replace. Null, with `name` as it is, where there can be none.
inline open_file new_file_beside(const std::string& path, std::string& name) {
    for (int number = 0; number < 1'000; ++number) {
        std::string tried = path + ".part" + std::to_string(number);
        open_file file{std::fopen(tried.c_str(), "wbx"), &std::fclose};
        if (file != nullptr) name = std::move(tried);
        // NOLINTNEXTLINE(clang-analyzer-unix.Errno)
        if (file != nullptr || errno != EEXIST) return file;
    }
    return {nullptr, &std::fclose};
}

// Removes a file unless it has come to its place.
class removed_file {
  public:
    explicit removed_file(std::string name) : name_(std::move(name)) {}
    ~removed_file() {
        std::error_code ignored;
        if (!name_.empty()) std::filesystem::remove(name_, ignored);
    }
    removed_file(const removed_file&) = delete;
    removed_file& operator=(const removed_file&) = delete;

    [[nodiscard]] std::error_code move_to(const std::filesystem::path& place) {
        std::error_code failure;
        std::filesystem::rename(name_, place, failure);
        if (!failure) name_.clear();
        return failure;
    }

  private:
    std::string name_;
};

inline void write_in_place(const std::string& path, std::string_view text, const std::string& where) {
    errno = 0;
    open_file file{std::fopen(path.c_str(), "wb"), &std::fclose};
    if (file == nullptr) fail_to_write(where);
    write_and_close(std::move(file), text, where);
}

inline void append_in_one_call(const std::string& path, std::string_view text, const std::string& where) {
    errno = 0;
    open_file file{std::fopen(path.c_str(), "ab+"), &std::fclose};
    if (file == nullptr) fail_to_write(where);
    if (std::setvbuf(file.get(), nullptr, _IONBF, 0) != 0) fail_to_write(where); // a buffer is written in several calls
    const bool is_torn = std::fseek(file.get(), -1, SEEK_END) == 0 && std::fgetc(file.get()) != '\n';
    static_cast<void>(std::fseek(file.get(), 0, SEEK_END)); // between reading and writing; a pipe has no end
    write_and_close(std::move(file), is_torn ? "\n" + std::string{text} : std::string{text}, where);
}

// Beside its place, and renamed when it is whole. Only what is a file is replaced, and not a terminal or a pipe; what a
// link names, and not the link. A file keeps its permissions.
inline void write_file(const std::string& path, std::string_view text) {
    namespace fs = std::filesystem;
    const std::string where = "'" + path + "'";
    std::error_code ignored;
    const fs::file_status before = fs::status(path, ignored);
    if (fs::exists(before) && !fs::is_regular_file(before)) return write_in_place(path, text, where);
    const fs::path target = fs::exists(before) ? fs::canonical(path, ignored) : fs::path{path};
    std::string name;
    open_file file =
        ignored && fs::exists(before) ? open_file{nullptr, &std::fclose} : new_file_beside(target.string(), name);
    if (file == nullptr) return write_in_place(path, text, where); // the folder takes no more files
    removed_file part{name};
    write_and_close(std::move(file), text, where);
    if (fs::exists(before)) fs::permissions(name, before.permissions(), ignored);
    if (part.move_to(target)) write_in_place(path, text, where); // a file that another one is mounted over
}

inline constinit thread_local sharing* innermost_sharing = nullptr;

sharing::sharing() noexcept : around_(std::exchange(innermost_sharing, this)) {}
sharing::~sharing() { innermost_sharing = around_; }

inline sharing& sharing::outermost() noexcept { return around_ == nullptr ? *this : around_->outermost(); }

void sharing::next(const char* backend) noexcept {
    backend_ = backend;
    ++outermost().turn_;
}
inline const char* sharing::left_without() noexcept {
    if (innermost_sharing == nullptr) return nullptr;
    const sharing& all = innermost_sharing->outermost();
    return all.taken_in_ == 0 || all.taken_in_ == all.turn_ ? nullptr : innermost_sharing->backend_;
}
inline void sharing::take() noexcept {
    if (innermost_sharing == nullptr) return;
    sharing& all = innermost_sharing->outermost();
    if (all.taken_in_ == 0) all.taken_in_ = all.turn_;
}

// The value of an environment variable; empty where it is not set.
inline std::string_view environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view{} : value;
}

// Empty for standard error.
inline std::string default_file() {
    std::string file{environment("PEAKSCOPE_OUT")};
    if (const char* const backend = sharing::left_without(); backend != nullptr)
        file = (file.empty() ? "peakscope" : file) + "." + backend;
    return file;
}

// A file that this process has written a report to keeps it: the next one gets a number.
inline std::string not_written_before(const std::string& path) {
    static std::mutex one_at_a_time;
    static std::map<std::string, unsigned> reports;
    const std::lock_guard lock{one_at_a_time};
    const unsigned number = ++reports[path];
    std::error_code ignored;
    return number == 1 || !std::filesystem::is_regular_file(path, ignored) ? path : path + "." + std::to_string(number);
}

} // namespace detail

void destination::write(std::string_view text) const {
    switch (kind_) {
    case kind::by_default: {
        const std::string file = detail::default_file();
        detail::sharing::take();
        if (!file.empty()) {
            try {
                return detail::write_file(detail::not_written_before(file), text);
            } catch (const write_error& failed) { // the environment's choice, and no reason to end the program
                detail::write_open_file(stderr, std::string{"peakscope: "} + failed.what() + "; this is it:\n",
                                        "standard error");
            }
        }
        return detail::write_open_file(stderr, text, "standard error");
    }
    case kind::standard_output:
        return detail::write_open_file(stdout, text, "standard output");
    case kind::stream:
        return detail::write_stream(*stream_, text);
    case kind::file:
        return detail::write_file(path_, text);
    case kind::end_of_file:
        return detail::append_in_one_call(path_, text, "'" + path_ + "'");
    }
}

int destination::descriptor() const {
    if (kind_ == kind::by_default && detail::default_file().empty()) return 2;
    return kind_ == kind::standard_output ? 1 : -1;
}

bool destination::wants_colour() const {
    const std::string_view terminal = detail::environment("TERM");
    return detail::environment("NO_COLOR").empty() && !terminal.empty() && terminal != "dumb" &&
           memory::is_terminal(descriptor());
}

std::size_t destination::columns() const {
    constexpr std::size_t by_default = 100;
    const int stream = descriptor();
    if (stream < 0) return by_default;
    if (const std::size_t columns = memory::columns_of_terminal(stream); columns > 0) return columns;
    const std::string_view said = detail::environment("COLUMNS");
    std::size_t columns = 0;
    std::from_chars(said.data(), said.data() + said.size(), columns);
    return columns > 0 ? columns : by_default;
}

} // namespace peakscope::report
