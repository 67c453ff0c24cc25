// SPDX-License-Identifier: MIT
// A measurement over the counting engine: what the sources over it have in common, whatever their options.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/body.hpp>
#include <peakscope/core/bytes.hpp>
#include <peakscope/core/duration.hpp>
#include <peakscope/core/own_residence.hpp>
#include <peakscope/core/precision.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/engine/own_memory.hpp>
#include <peakscope/engine/state.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peakscope::heap::detail {

using namespace engine;

// The functions that a source counts. It calls them to see whether they are replaced, because what is linked decides,
// and not what was included somewhere.
struct counted_functions {
    const char* allocates; // "operator new"
    // Why the source cannot measure, or null.
    const char* (*refusal)(bool is_counted) noexcept;
    void* (*allocate)() noexcept;
    void (*deallocate)(void* block) noexcept;
};
extern const counted_functions operators_of_process;
extern const counted_functions malloc_of_process;

class counting_window {
  public:
    // By the steady clock; empty without a timeline.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> peak_at() const noexcept {
        return peak_nanoseconds_ == 0 ? std::nullopt : std::optional{std::chrono::nanoseconds{peak_nanoseconds_}};
    }

  private:
    friend class counting_session;
    flow start_{};
    std::int64_t outer_peak_bytes_ = 0; // of the window around this one, before it was opened
    std::int64_t bound_bytes_ = 0;      // the worst interval so far
    std::int64_t known_peak_bytes_ = 0; // up to the last cut
    std::int64_t peak_nanoseconds_ = 0; // when that was; 0 without a timeline
    bool peak_is_noted_ = false;        // the ledger has the table of what was alive then
    std::size_t depth_ = 0;
    phase_slot phase_{};
};

class counting_session {
  public:
    PEAKSCOPE_BODY_ELSEWHERE counting_session();
    ~counting_session();
    counting_session(const counting_session&) = delete;
    counting_session& operator=(const counting_session&) = delete;

    // Claims the counted heap. Throws `usage_error` and `source_error`.
    PEAKSCOPE_BODY_ELSEWHERE void open(const counted_functions& counted);
    PEAKSCOPE_BODY_ELSEWHERE void attribute(std::size_t phase_count, std::size_t depth, std::int64_t batch_bytes,
                                            const capture_mode* mode);
    PEAKSCOPE_BODY_ELSEWHERE void close() noexcept;
    // Without the claim that `open` has taken.
    PEAKSCOPE_BODY_ELSEWHERE void end() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE static void settle() noexcept;

    // `window` is 0 for the measurement, else the phase's (see phase_slot).
    PEAKSCOPE_BODY_ELSEWHERE void enter(counting_window& inner, counting_window* outer, std::size_t window) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE heap_figures leave(counting_window& inner, counting_window* outer) noexcept;

    // Block headers, records, tables, and what was allocated under `own_memory_scope` and is still live.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bytes own_bytes() const noexcept;
    // As of the last `enter` or `leave`.
    [[nodiscard]] const own_residence& residence() const noexcept { return residence_; }
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string remark() const;
    // `rate_bytes` is 0 where every stack is captured.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] attribution attributed(std::int64_t rate_bytes,
                                                                  const precision& of_sites) const;
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<timeline_point> timeline() const;

    PEAKSCOPE_BODY_ELSEWHERE static void switch_counting(bool on) noexcept;

    PEAKSCOPE_BODY_ELSEWHERE static std::uint16_t enter_label(std::string_view name);
    PEAKSCOPE_BODY_ELSEWHERE static void leave_label(std::uint16_t before) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE static std::uint64_t enter_work(std::size_t phase) noexcept;
    PEAKSCOPE_BODY_ELSEWHERE static void leave_work(std::uint64_t before) noexcept;

  private:
    struct tables;

    tables* tables_ = nullptr;
    const counted_functions* counted_ = nullptr;
    std::uint64_t foreign_blocks_at_start_ = 0;
    own_residence residence_{};
    std::uint64_t reserve_events_at_start_ = 0;
    std::uint64_t other_labels_at_start_ = 0;
};

} // namespace peakscope::heap::detail
