// SPDX-License-Identifier: MIT
// Call stacks that are made up, so that there may be as many as one likes: `site` numbers the next block's.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/sites/stack.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace benchmarks {

inline constinit std::size_t site = 0;

struct made_up_stacks {
    static constexpr std::size_t max_frames = 8;
    struct symboliser {
        static void append(peakscope::sites::address from, std::vector<peakscope::stack_frame>& frames) {
            frames.push_back({.function = "f" + std::to_string(from), .file = "/src/made_up.cpp", .line = 1});
        }
    };
    static std::size_t walk(peakscope::sites::address* found, const void*) noexcept {
        found[0] = 1'000 + site;
        for (std::size_t i = 1; i < max_frames; ++i)
            found[i] = 1'000 + (site >> (2 * i));
        return max_frames;
    }
};

} // namespace benchmarks
