// SPDX-License-Identifier: MIT
// Names by address, and as bytes: to hand them from one process to another, or to a file.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/sites/stack.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peakscope::sites::detail {

// The frames of each address, as a symboliser appends them, without what depends on where a module is loaded.
using name_table = std::map<address, std::vector<stack_frame>>;

PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string encoded(const name_table& names);
// Any bytes may be given: what `encoded` does not make is nothing. Throws std::bad_alloc.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::optional<name_table> decoded(std::string_view text);

} // namespace peakscope::sites::detail
