// SPDX-License-Identifier: MIT
// Work in forked children, each from the same state: one child is forked that does nothing but fork the others, so that
// what the caller does with the results changes nothing for the next one. The bodies are the one place of this layer
// that knows the operating system.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/byte_count.hpp>
#include <peakscope/core/duration.hpp>

#include <cstddef>
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

enum class child_outcome : unsigned char {
    returned,
    threw,
    timed_out,
    died,       // by a signal, or it exited by itself
    not_started // the system did not let it
};

struct child_result {
    child_outcome outcome = child_outcome::not_started;
    std::string text{}; // what the work returned, or why there is nothing
};

// Calls `work(of)` in `count` children, one after the other.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<child_result>
run_in_children(std::size_t count, std::string (*work)(void* of), void* of, const child_limits& limits);

// The same with any function that returns a string.
template <class Work>
[[nodiscard]] std::vector<child_result> run_in_children(std::size_t count, Work work, const child_limits& limits) {
    return run_in_children(count, [](void* of) -> std::string { return (*static_cast<Work*>(of))(); }, &work, limits);
}

} // namespace detail

} // namespace peakscope::testing
