// SPDX-License-Identifier: MIT
// Names that are kept from one run of a program to the next, in a folder that the user gives:
//
//     PEAKSCOPE_CACHE=$HOME/.cache/peakscope ./program
//
// The first report of a binary looks its names up, and later ones of the same binary read them: of what has a build id,
// as linkers give by default. Nothing is written where PEAKSCOPE_CACHE is not set, and a program that runs with rights
// that its caller lacks (setuid) does not look at it. The folder is made if need be; it must be the user's own, and
// nobody else may be allowed to write to it. At most 64 MiB are kept, the latest. A file that is damaged, or is of
// another binary or version, counts as none. The folder can be removed at any time.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/sites/name_table.hpp>

#include <string>

namespace peakscope::sites::detail {

class name_cache {
  public:
    // Of the folder that PEAKSCOPE_CACHE names, or off.
    PEAKSCOPE_BODY_ELSEWHERE name_cache();
    PEAKSCOPE_BODY_ELSEWHERE explicit name_cache(const char* folder);
    ~name_cache();
    name_cache(const name_cache&) = delete;
    name_cache& operator=(const name_cache&) = delete;

    [[nodiscard]] bool is_on() const noexcept { return folder_ >= 0; }
    // Why it is off although it was asked for. Empty when there is nothing to say.
    [[nodiscard]] const std::string& remark() const noexcept { return remark_; }

    // By the addresses that the file has, without the load bias. Throws std::bad_alloc.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] name_table read(const module_report& of) const;
    // In place of what is kept of it. What cannot be kept is not. Throws std::bad_alloc.
    PEAKSCOPE_BODY_ELSEWHERE void keep(const module_report& of, const name_table& names) const;

  private:
    void make_room() const;

    int folder_ = -1; // its descriptor
    std::string remark_{};
};

} // namespace peakscope::sites::detail
