// SPDX-License-Identifier: MIT
// sites::caller: one return address, the place that called operator new. The cheapest site there is, and enough where
// code allocates with new-expressions; what a container allocates is charged to the line in the container.
#pragma once

#include <peakscope/sites/fwd.hpp>
#include <peakscope/sites/stack.hpp>

namespace peakscope::sites {

template <class Symboliser>
struct caller {
    using symboliser = Symboliser;
    static constexpr std::size_t max_frames = 1;

    [[gnu::always_inline]] static std::size_t walk(address* frames, const void* frame) noexcept {
        frames[0] = static_cast<const address*>(frame)[1]; // above the saved frame pointer, on x86-64 and aarch64
        return 1;
    }
};

} // namespace peakscope::sites
