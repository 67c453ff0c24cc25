// SPDX-License-Identifier: MIT
// The bodies of heap/sites_since.hpp.
#pragma once

#include <peakscope/core/precision.hpp>
#include <peakscope/engine/engine.hpp>
#include <peakscope/heap/implementation/counting_session.hpp>
#include <peakscope/heap/sites_since.hpp>

#include <atomic>

namespace peakscope::heap {

sites_since::sites_since(const engine::capture_mode& mode) : mode_(mode) {
    if (engine::state.measured.is_taken() || engine::is_off()) return;
    const engine::own_memory_scope uncounted;
    session_.attribute(0, 0, engine::state.batch_bytes.load(std::memory_order_relaxed), &mode);
}

// A measurement that has come and gone captures no more, and one that runs has its own stacks.
sites_since::~sites_since() {
    if (!engine::state.measured.is_taken() && engine::state.mode.load(std::memory_order_relaxed) == &mode_)
        session_.end();
}

void sites_since::begin() noexcept {
    if (engine::state.measured.is_taken() || engine::state.mode.load(std::memory_order_relaxed) != &mode_) return;
    session_.enter(window_, nullptr, 0);
    interval_ = engine::state.interval;
}

attribution sites_since::end() {
    if (interval_ == 0 || engine::state.measured.is_taken() || engine::state.interval != interval_) return {};
    static_cast<void>(session_.leave(window_, nullptr));
    interval_ = 0;
    const engine::own_memory_scope uncounted;
    return session_.attributed(0, exact);
}

} // namespace peakscope::heap
