// SPDX-License-Identifier: MIT
// Names that children of fork look up, so that the debug information they read is in none of the program's memory.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/bytes.hpp>
#include <peakscope/core/duration.hpp>
#include <peakscope/sites/name_table.hpp>
#include <peakscope/sites/stack.hpp>

#include <chrono>
#include <optional>
#include <span>
#include <vector>

namespace peakscope::sites::detail {

using append_names = void (*)(address return_address, std::vector<stack_frame>& frames);

struct names_of_children {
    std::optional<name_table> names{}; // of all the addresses, or nothing: a child could not be started, died or hung
    std::optional<bytes> peak_rss{};   // of all of them together, with the pages that they share with this process
};

// Calls `append` for each address, in as many children as there are processors to make it worth it; they have so much
// time for all of it. The addresses are in order. Other threads may run, and may be in malloc: the hooks of fork are
// run, and glibc's allocator and those that replace it are whole in the child by them. The program's handler of SIGCHLD
// is not called for the children; a thread of its that waits for any child may get them. Throws std::bad_alloc.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] names_of_children
name_in_children(std::span<const address> all, append_names append, std::chrono::milliseconds time);

} // namespace peakscope::sites::detail
