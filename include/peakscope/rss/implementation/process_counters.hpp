// SPDX-License-Identifier: MIT
// The bodies of rss/process_counters.hpp.
#pragma once

#include <peakscope/core/implementation/flow.hpp>
#include <peakscope/rss/process_counters.hpp>

#include <cstdint>

#if defined(_WIN32)
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h> // before psapi.h, which needs it

#include <psapi.h>
#elif defined(__APPLE__)
#include <mach/mach.h>
#endif

namespace peakscope::rss {

process_counters::reading process_counters::read() noexcept {
#if defined(_WIN32)
    PROCESS_MEMORY_COUNTERS counters{};
    if (::K32GetProcessMemoryInfo(::GetCurrentProcess(), &counters, sizeof counters) != 0)
        return {bytes{static_cast<std::int64_t>(counters.WorkingSetSize)},
                bytes{static_cast<std::int64_t>(counters.PeakWorkingSetSize)}};
#elif defined(__APPLE__)
    mach_task_basic_info info{};
    mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
    if (::task_info(mach_task_self(), MACH_TASK_BASIC_INFO, reinterpret_cast<task_info_t>(&info), &count) ==
        KERN_SUCCESS)
        return {bytes{static_cast<std::int64_t>(info.resident_size)},
                bytes{static_cast<std::int64_t>(info.resident_size_max)}};
#endif
    return {};
}

void process_counters::enter(window& inner, window*) noexcept {
    const reading at_start = read();
    inner.start_ = at_start.now;
    inner.mark_.begin(at_start.largest);
}

rss_figures process_counters::leave(window& inner, window*) noexcept {
    const reading at_end = read();
    rss_figures figures;
    if (!inner.start_ || !at_end.now) return figures;
    set_totals(figures, *inner.start_, *at_end.now, exact);
    if (const auto peak = inner.mark_.peak(at_end.largest)) set_peak(figures, *peak, *inner.start_, exact);
    return figures;
}

} // namespace peakscope::rss
