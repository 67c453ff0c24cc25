// SPDX-License-Identifier: MIT
// Where names of addresses come from, the cheapest first: the process has asked before, an earlier run has left them,
// or children read the debug information. What is left is looked up in this process.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/sites/naming_child.hpp>
#include <peakscope/sites/stack.hpp>

#include <string>
#include <vector>

namespace peakscope::sites::detail {

class name_lookup {
  public:
    name_lookup() = default;
    PEAKSCOPE_BODY_ELSEWHERE ~name_lookup();
    name_lookup(const name_lookup&) = delete;
    name_lookup& operator=(const name_lookup&) = delete;

    // `look_up` adds what it finds in debug information and symbols, and nothing that depends on where modules are
    // loaded. One thread at a time. Throws std::bad_alloc.
    PEAKSCOPE_BODY_ELSEWHERE void prepare(const std::vector<address>& all, append_names look_up);
    // Adds the frames of an address that was prepared, once, and for one without names an empty frame. False for what
    // is to be looked up in this process.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static bool append(address return_address, std::vector<stack_frame>& frames);

    // Of the last `prepare`, but for the time.
    [[nodiscard]] const naming_figures& figures() const noexcept { return figures_; }
    [[nodiscard]] const std::string& remark() const noexcept { return remark_; }

  private:
    naming_figures figures_{};
    std::string remark_;
};

} // namespace peakscope::sites::detail
