// SPDX-License-Identifier: MIT
// No heap source: every heap figure is n/a.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/heap/fwd.hpp>

#include <optional>

namespace peakscope::heap {

struct none {
    static constexpr const char* name = "none";
    static constexpr const char* unit = "none";
    struct window {};
    struct own_memory {};

    static constexpr void open() noexcept {}
    static constexpr void close() noexcept {}
    static constexpr void settle() noexcept {}
    static constexpr void enter(window&, window*) noexcept {}
    static heap_figures leave(window&, window*) noexcept { return {}; }
    static constexpr std::optional<bytes> own_bytes() noexcept { return std::nullopt; }
    static constexpr const char* remark() noexcept { return ""; }
};

} // namespace peakscope::heap
