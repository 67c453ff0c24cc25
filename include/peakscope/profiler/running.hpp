// SPDX-License-Identifier: MIT
// A measurement that runs, whatever its policies are: the stack of open phases and the sums by phase.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/body.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/profiler/profiler.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace peakscope::profiler_detail {

// What several entries of a phase add up to; of the measurement, its one.
struct window_sums {
    std::uint64_t entries = 0;
    std::chrono::nanoseconds duration{};
    heap_figures heap{};
    rss_figures rss{};
};

// A window that is open: the measurement or a phase.
struct open_window {
    std::size_t phase = phase_info::root;
    std::chrono::nanoseconds start{};
};

// Room for the windows that can be open at a time and for the sums of each phase. The measurement's own; of a fixed
// size, so that opening and closing a phase allocates nothing.
struct measurement_room {
    const phase_info* phases;
    std::size_t phase_count;
    open_window* windows;
    window_sums* sums;
};

class measurement_core : public running_measurement {
  public:
    [[nodiscard]] bool finished() const noexcept { return depth_ == 0; }
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool on_its_thread() const noexcept;

    // Throws `usage_error` on another thread, and where the phase does not lie in the innermost open one.
    void enter(std::size_t phase) override;
    // Closes what is still open inside the phase as well, so that a wrong order cannot corrupt the figures.
    void leave(std::size_t phase) noexcept override;

    // Throws `usage_error` where `finish` must not be called now.
    PEAKSCOPE_BODY_ELSEWHERE void check_finish() const;
    // Closes every window. The report's figures stay here; the sources are kept until they are given back.
    PEAKSCOPE_BODY_ELSEWHERE void stop() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] memory_report make_report(items divided_by) const;

  protected:
    PEAKSCOPE_BODY_ELSEWHERE explicit measurement_core(std::string_view title);
    ~measurement_core() override;

    // Reads the baseline: opens the outermost window.
    PEAKSCOPE_BODY_ELSEWHERE void open_window(std::size_t phase) noexcept;
    // Before the first window.
    void use(const measurement_room& room) noexcept { room_ = room; }

  private:
    // The sources' side of a window, `depth` windows deep: 0 for the measurement.
    virtual void enter_sources(std::size_t depth, std::size_t phase) noexcept = 0;
    virtual void leave_sources(std::size_t depth, window_sums& into) noexcept = 0;
    [[nodiscard]] virtual std::optional<bytes> own_bytes() const noexcept = 0;
    // Names and remarks of the sources, and who allocated.
    virtual void describe(memory_report& report) const = 0;

    [[nodiscard]] std::size_t innermost_phase() const noexcept { return room_.windows[depth_ - 1].phase; }
    [[nodiscard]] bool is_open(std::size_t phase) const noexcept;
    [[nodiscard]] std::string name_of(std::size_t phase) const;
    [[nodiscard]] window_sums close_window() noexcept;
    void close_phase() noexcept;

    measurement_room room_{};
    std::string title_;
    const void* thread_;
    std::size_t depth_ = 0;
    window_sums total_;
    std::optional<bytes> own_bytes_;
    bool closed_out_of_order_ = false;
};

// What a source knows of who allocated becomes sites, labels, births and work of the report.
PEAKSCOPE_BODY_ELSEWHERE void write_attribution(memory_report& report, const attribution& of, const named_stacks& named,
                                                const phase_info* phases, std::size_t phase_count);

} // namespace peakscope::profiler_detail
