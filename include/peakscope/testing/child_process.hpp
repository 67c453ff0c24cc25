// SPDX-License-Identifier: MIT
// Work in forked children, each from the same state: one child is forked that does nothing but fork the others, so that
// what the caller does with the results changes nothing for the next one. The bodies are
// the one place of this layer that knows the operating system.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/byte_count.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace peakscope::testing {

/// What a child may use up.
struct child_limits {
    std::chrono::milliseconds time{60'000}; ///< then it is killed
    std::optional<bytes> address_space{};   ///< RLIMIT_AS: more than that cannot be allocated
};

namespace detail {

struct child_result {
    bool succeeded = false;
    std::string text; // what the work returned, or why there is nothing
};

// Calls `work`, which returns a string, in `count` children, one after the other.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<child_result>
run_in_children(std::size_t count, const std::function<std::string()>& work, const child_limits& limits);

} // namespace detail

} // namespace peakscope::testing
