// SPDX-License-Identifier: MIT
// A measurement that runs, whatever its policies are: the stack of open phases and the sums by phase.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/body.hpp>
#include <peakscope/core/duration.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/profiler/phase_port.hpp>
#include <peakscope/profiler/profiler.hpp>
#include <peakscope/profiler/start_options.hpp>
#include <peakscope/profiler/timeline_recorder.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peakscope::profiler_detail {

// What several entries of a phase add up to; of the measurement, its one.
struct window_sums {
    std::uint64_t entries = 0;
    std::chrono::nanoseconds duration{};
    heap_figures heap{};
    rss_figures rss{};
    std::optional<std::chrono::nanoseconds> peak_at{}; // of the heap, by the steady clock
};

// A window that is open: the measurement or a phase.
struct open_window {
    std::size_t phase = phase_info::root;
    std::chrono::nanoseconds start{};
};

// How often a phase was opened on the measurement's thread and had no window.
struct misplaced_entries {
    std::uint64_t in_another = 0;
    std::size_t first_in = phase_info::root;
    std::uint64_t in_itself = 0;
    bool open_at_finish = false;
};

// Room for the windows that can be open at a time and for the sums of each phase. The measurement's own; of a fixed
// size, so that opening and closing a phase allocates nothing.
struct measurement_room {
    const phase_info* phases;
    std::size_t phase_count;
    open_window* windows;
    window_sums* sums;
    misplaced_entries* misplaced;
    bool heap_keeps_timeline; // the heap source itself
};

class measurement_core : public running_measurement {
  public:
    [[nodiscard]] bool finished() const noexcept { return depth_ == 0; }
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool on_its_thread() const noexcept;

    // Where the phase does not lie in the innermost open one, or the thread is another, it is work, if anything.
    opened_phase open_phase(std::size_t phase) override;
    // Closes what is still open inside the phase as well, so that a wrong order cannot corrupt the figures.
    void close_phase(std::uint64_t phase) noexcept override;

    void set_options(const start_options& options) {
        strict_ = options.strict;
        if (options.backend != nullptr) asked_backend_ = options.backend;
    }
    [[nodiscard]] bool is_strict() const noexcept { return strict_; }
    [[nodiscard]] std::string_view asked_backend() const noexcept { return asked_backend_; }
    // It could not start.
    void refuse(const char* reason) { refusal_ = reason; }
    [[nodiscard]] bool is_refused() const noexcept { return !refusal_.empty(); }
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] memory_report refusal() const;
    // False where it was not to start.
    [[nodiscard]] bool is_asked() const noexcept { return started_ || is_refused(); }
    // Why there can be no report at the end of the program; null where there can be one. A child of fork leaves it to
    // its parent, and says nothing: the text is empty.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] const char* no_report_at_exit() const noexcept;
    // What a report of it has to say that is made before its end. While it is open.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string unfinished() const;
    // Throws `usage_error` where `finish` must not be called now.
    PEAKSCOPE_BODY_ELSEWHERE void check_finish() const;
    // Closes every window. The report's figures stay here; the sources are kept until they are given back.
    PEAKSCOPE_BODY_ELSEWHERE void stop() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] memory_report make_report(items divided_by) const;

  protected:
    PEAKSCOPE_BODY_ELSEWHERE explicit measurement_core(std::string_view title);
    ~measurement_core() override;
    measurement_core(const measurement_core&) = delete;
    measurement_core& operator=(const measurement_core&) = delete;

    // Reads the baseline: opens the outermost window.
    PEAKSCOPE_BODY_ELSEWHERE void open_window(std::size_t phase) noexcept;
    // Before the first window.
    void use(const measurement_room& room) noexcept { room_ = room; }

  private:
    // The sources' side of a window, `depth` windows deep: 0 for the measurement.
    virtual void enter_sources(std::size_t depth, std::size_t phase) noexcept = 0;
    virtual void leave_sources(std::size_t depth, window_sums& into) noexcept = 0;
    [[nodiscard]] virtual std::optional<bytes> own_bytes() const noexcept = 0;
    // Names and remarks of the sources.
    virtual void describe(memory_report& report) const = 0;
    // What the heap source knows; empty for one that does not.
    [[nodiscard]] virtual std::vector<timeline_point> live_over_time() const = 0;
    // What a source has seen that looks at a rate.
    [[nodiscard]] virtual std::vector<timeline_point> heap_readings() const = 0;
    [[nodiscard]] virtual std::vector<timeline_point> rss_readings() const = 0;
    [[nodiscard]] virtual attribution attributed() const = 0;
    [[nodiscard]] virtual named_stacks named(const attribution& of) const = 0;
    [[nodiscard]] virtual counting_port& port() const noexcept = 0;

    [[nodiscard]] std::size_t innermost_phase() const noexcept { return room_.windows[depth_ - 1].phase; }
    [[nodiscard]] bool is_open(std::size_t phase) const noexcept;
    [[nodiscard]] std::string name_of(std::size_t phase) const;
    [[nodiscard]] opened_phase open_misplaced(std::size_t phase);
    void write_attribution(memory_report& report) const;
    void note_misplaced(memory_report& report) const;
    [[nodiscard]] window_sums close_window() noexcept;
    void close_innermost() noexcept;

    measurement_room room_{};
    timeline_recorder timeline_{};
    std::string title_;
    const void* thread_;
    long process_;
    std::size_t depth_ = 0;
    window_sums total_{};
    std::optional<bytes> own_bytes_{};
    bool closed_out_of_order_ = false;
    bool strict_ = false;
    bool started_ = false;
    std::string asked_backend_{};
    std::string refusal_{};
};

// Has a function called by std::exit. It stays for as long as the program runs.
PEAKSCOPE_BODY_ELSEWHERE bool expect_exit(void (*report)()) noexcept;
PEAKSCOPE_BODY_ELSEWHERE void say_at_exit(const char* failure) noexcept;

// What a source knows of who allocated becomes work, labels and births of the report, and its sites. What there is no
// memory for is left out, and a note names it; the call stacks first.
PEAKSCOPE_BODY_ELSEWHERE void write_births(memory_report& report, attribution& of, const phase_info* phases,
                                           std::size_t phase_count);
PEAKSCOPE_BODY_ELSEWHERE void write_sites(memory_report& report, const attribution& of, named_stacks named,
                                          const phase_info* phases, std::size_t phase_count);

} // namespace peakscope::profiler_detail
