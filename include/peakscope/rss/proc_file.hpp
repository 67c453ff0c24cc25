// SPDX-License-Identifier: MIT
// Files of /proc and /sys that are read again and again.
#pragma once

#include <peakscope/core/bytes.hpp>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#if defined(__linux__)
#include <fcntl.h>
#include <unistd.h>
#endif

namespace peakscope::rss::detail {

// A file of /proc that is kept open, so that a reading is one system call. "self" is whoever opened it: a child of fork
// opens it again, or it would read its parent's figures. The path must outlive the object.
class proc_file {
  public:
    enum class access { read, write };

    proc_file() = default;
    proc_file(const proc_file&) = delete;
    proc_file& operator=(const proc_file&) = delete;
    ~proc_file() { close(); }

    // 0, or the reason as an errno value.
    [[nodiscard]] int open(const char* path, access wanted) noexcept;
    void close() noexcept;

    [[nodiscard]] std::string_view read_start(std::array<char, 4096>& buffer) noexcept;
    [[nodiscard]] int write_start(std::string_view text) noexcept;

  private:
    [[nodiscard]] int descriptor() noexcept;

    int descriptor_ = -1;
    long process_ = 0;
    const char* path_ = "";
    access access_ = access::read;
};

#if defined(__linux__)
inline int proc_file::open(const char* path, access wanted) noexcept {
    close();
    path_ = path;
    access_ = wanted;
    process_ = ::getpid();
    descriptor_ = ::open(path, (wanted == access::read ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
    return descriptor_ < 0 ? errno : 0;
}
inline void proc_file::close() noexcept {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}
inline int proc_file::descriptor() noexcept {
    if (process_ != ::getpid()) static_cast<void>(open(path_, access_));
    return descriptor_;
}
inline std::string_view proc_file::read_start(std::array<char, 4096>& buffer) noexcept {
    const ssize_t length = ::pread(descriptor(), buffer.data(), buffer.size(), 0);
    return length <= 0 ? std::string_view{} : std::string_view{buffer.data(), static_cast<std::size_t>(length)};
}
inline int proc_file::write_start(std::string_view text) noexcept {
    return ::pwrite(descriptor(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) ? 0 : errno;
}
#else
inline int proc_file::open(const char*, access) noexcept { return ENOSYS; }
inline void proc_file::close() noexcept {}
inline int proc_file::descriptor() noexcept { return descriptor_; }
inline std::string_view proc_file::read_start(std::array<char, 4096>&) noexcept { return {}; }
inline int proc_file::write_start(std::string_view) noexcept { return ENOSYS; }
#endif

// The number after `key` at the start of a line; "VmRSS:" is followed by blanks, the number, " kB".
[[nodiscard]] inline std::optional<std::int64_t> number_after(std::string_view text, std::string_view key) noexcept {
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

} // namespace peakscope::rss::detail
