// SPDX-License-Identifier: MIT
// Files of /proc and /sys that are read again and again.
#pragma once

#include <peakscope/core/body.hpp>

#include <array>
#include <cstddef>
#include <string_view>

namespace peakscope::rss::detail {

// A file of /proc that is kept open, so that a reading is one system call. "self" is whoever opened it: a child of fork
// opens it again, or it would read its parent's figures. The path must outlive the object.
class proc_file {
  public:
    enum class access { read, write };

    proc_file() = default;
    proc_file(const proc_file&) = delete;
    proc_file& operator=(const proc_file&) = delete;
    PEAKSCOPE_BODY_ELSEWHERE ~proc_file();

    // 0, or the reason as an errno value.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] int open(const char* path, access wanted) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE void close() noexcept;

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string_view read_start(std::array<char, 4096>& buffer) noexcept;
    // How many bytes there were, 0 at the end.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::size_t read_at(long position, char* into, std::size_t most) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] int write_start(std::string_view text) noexcept;

  private:
    [[nodiscard]] int descriptor() noexcept;

    int descriptor_ = -1;
    long process_ = 0;
    const char* path_ = "";
    access access_ = access::read;
};

} // namespace peakscope::rss::detail
