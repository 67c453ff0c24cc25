// SPDX-License-Identifier: MIT
// The programs and libraries that addresses lie in, as a report lists them.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/sites/stack.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace peakscope::sites::detail {

class module_list {
  public:
    // The number of the module that holds a return address, if it is loaded. Throws std::bad_alloc.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<std::uint32_t> number_of(address return_address);
    [[nodiscard]] const std::vector<module_report>& all() const noexcept { return all_; }

  private:
    std::map<std::pair<address, const char*>, std::uint32_t> numbers_{}; // by load bias and the loader's name
    std::vector<module_report> all_{};
};

} // namespace peakscope::sites::detail
