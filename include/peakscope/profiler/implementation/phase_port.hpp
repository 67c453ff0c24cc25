// SPDX-License-Identifier: MIT
// The bodies of profiler/phase_port.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/profiler/phase_port.hpp>

#include <atomic>
#include <cstddef>
#include <string>

namespace peakscope::profiler_detail {

opened_phase counting_port::open_elsewhere(std::size_t phase) {
    if (strict_.load(std::memory_order_relaxed))
        throw usage_error("phase '" + std::string{path_of(phase)} +
                          "' cannot be opened on this thread: phases are windows on the whole process, and are "
                          "opened on the thread that started the measurement");
    entries_of(phase).fetch_add(1, std::memory_order_relaxed);
    return open_work(phase);
}

} // namespace peakscope::profiler_detail
