// SPDX-License-Identifier: MIT
// No RSS source: every RSS figure is n/a.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/rss/fwd.hpp>

namespace peakscope::rss {

struct none {
    static constexpr const char* name = "none";
    struct window {};

    static constexpr void open() noexcept {}
    static constexpr void close() noexcept {}
    static constexpr void enter(window&, window*) noexcept {}
    static rss_figures leave(window&, window*) noexcept { return {}; }
    static constexpr const char* remark() noexcept { return ""; }
};

} // namespace peakscope::rss
