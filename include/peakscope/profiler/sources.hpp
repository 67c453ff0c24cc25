// SPDX-License-Identifier: MIT
// A measurement with its sources: what of it depends on the program's policies.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/concepts.hpp>
#include <peakscope/core/phase_slot.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/profiler/phase_port.hpp>
#include <peakscope/profiler/running.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace peakscope::profiler_detail {

// What the sources are called in a report.
struct source_names {
    const char* heap;
    const char* heap_unit;
    const char* allocator; // empty without one
    const char* rss;
};
PEAKSCOPE_BODY_ELSEWHERE void write_names(memory_report& report, const source_names& names);
// None where the text is empty.
PEAKSCOPE_BODY_ELSEWHERE void add_note(memory_report& report, const std::string& text);
PEAKSCOPE_BODY_ELSEWHERE void note_unknown_backend(memory_report& report, std::string_view asked,
                                                   const std::string& there_are);

// The sources of a measurement, and the windows that they have open.
template <class Phases, class Heap, class Rss>
class measurement final : public measurement_core {
    static_assert(peakscope::heap_source<Heap>,
                  "peakscope: the second argument of profiler must satisfy heap_source (for a "
                  "built-in one, include its header where the measurement starts)");
    static_assert(peakscope::rss_source<Rss>,
                  "peakscope: the third argument of profiler must satisfy rss_source (for a built-in "
                  "one, include its header where the measurement starts)");

  public:
    explicit measurement(std::string_view title) : measurement_core(title) {
        use({Phases::table::infos, Phases::count, windows_.data(), sums_.data(), misplaced_.data(),
             keeps_timeline<Heap>});
    }

    // Claims the sources and reads the baseline, last of all.
    template <class Settle>
    void start(const Settle& settle) {
        const open_guard<Heap> heap_opened{heap_};
        const open_guard<Rss> rss_opened{rss_};
        settle();
        heap_.settle();
        if constexpr (attributes_memory<Heap>) {
            [[maybe_unused]] const typename Heap::own_memory uncounted;
            heap_.attribute(Phases::count, Phases::depth);
        }
        port().begin(Phases::count, is_strict());
        heap_opened.keep();
        rss_opened.keep();
        open_window(phase_info::root);
    }

    [[nodiscard]] Heap& heap() noexcept { return heap_; }
    void give_back() noexcept {
        heap_.close();
        rss_.close();
    }

  private:
    // Opens a source, and closes it again if starting fails.
    template <class Source>
    class open_guard {
      public:
        explicit open_guard(Source& source) : source_(&source) {
            [[maybe_unused]] const typename Heap::own_memory uncounted;
            source.open();
        }
        ~open_guard() {
            if (source_ != nullptr) source_->close();
        }
        open_guard(const open_guard&) = delete;
        open_guard& operator=(const open_guard&) = delete;
        void keep() const noexcept { source_ = nullptr; }

      private:
        mutable Source* source_;
    };

    // The heap source comes first at both ends: it knows then how much of the RSS is the profiler's, and what it writes
    // to its tables is among that.
    void enter_sources(std::size_t depth, [[maybe_unused]] std::size_t phase) noexcept override {
        heap_windows_[depth] = {};
        rss_windows_[depth] = {};
        typename Heap::window* const around = depth > 0 ? &heap_windows_[depth - 1] : nullptr;
        if constexpr (attributes_memory<Heap>)
            heap_.enter(heap_windows_[depth], around,
                        phase == phase_info::root ? 0 : phase_slot::of_phase(phase).window());
        else
            heap_.enter(heap_windows_[depth], around);
        leave_out_own_memory();
        rss_.enter(rss_windows_[depth], depth > 0 ? &rss_windows_[depth - 1] : nullptr);
    }
    void leave_sources(std::size_t depth, window_sums& into) noexcept override {
        into.heap = heap_.leave(heap_windows_[depth], depth > 0 ? &heap_windows_[depth - 1] : nullptr);
        if constexpr (keeps_timeline<Heap>) into.peak_at = heap_.peak_at(heap_windows_[depth]);
        leave_out_own_memory();
        into.rss = rss_.leave(rss_windows_[depth], depth > 0 ? &rss_windows_[depth - 1] : nullptr);
    }
    void leave_out_own_memory() noexcept {
        if constexpr (knows_residence<Heap> && leaves_out_own_memory<Rss>) rss_.leave_out(heap_.residence());
    }
    [[nodiscard]] std::optional<bytes> own_bytes() const noexcept override { return heap_.own_bytes(); }

    void describe(memory_report& report) const override {
        source_names names{Heap::name, Heap::unit, "", Rss::name};
        if constexpr (reads_allocator<Heap>) names.allocator = Heap::allocator_name;
        write_names(report, names);
        if constexpr (knows_process_peak<Rss>) report.process_peak_rss = rss_.process_peak();
        add_note(report, heap_.remark());
        add_note(report, rss_.remark());
    }
    [[nodiscard]] std::vector<timeline_point> live_over_time() const override {
        if constexpr (keeps_timeline<Heap>) return heap_.timeline();
        return {};
    }
    [[nodiscard]] std::vector<timeline_point> heap_readings() const override {
        if constexpr (reads_at_a_rate<Heap>) return heap_.readings();
        return {};
    }
    [[nodiscard]] std::vector<timeline_point> rss_readings() const override {
        if constexpr (reads_at_a_rate<Rss>) return rss_.readings();
        return {};
    }
    [[nodiscard]] attribution attributed() const override {
        if constexpr (attributes_memory<Heap>) return heap_.attributed();
        return {};
    }
    [[nodiscard]] named_stacks named([[maybe_unused]] const attribution& of) const override {
        if constexpr (attributes_memory<Heap>) return heap_.named(of);
        return {};
    }

    using port_type = port_for_phases<Phases, Heap>;
    [[nodiscard]] counting_port& port() const noexcept override {
        if constexpr (counts_per_instance<Heap> || counts_per_instance<Rss>)
            return own_port_;
        else
            return port_of_process<Phases, Heap>;
    }

    void destroy() noexcept override {
        [[maybe_unused]] const typename Heap::own_memory uncounted;
        delete this;
    }

    Heap heap_{};
    Rss rss_{};
    std::array<typename Heap::window, Phases::depth + 1> heap_windows_{};
    std::array<typename Rss::window, Phases::depth + 1> rss_windows_{};
    std::array<profiler_detail::open_window, Phases::depth + 1> windows_{};
    std::array<window_sums, Phases::count + 1> sums_{}; // one more, so that an empty list has an array
    std::array<misplaced_entries, Phases::count + 1> misplaced_{};
    [[no_unique_address]] mutable std::conditional_t<counts_per_instance<Heap> || counts_per_instance<Rss>,
                                                     port_for_phases<Phases, Heap>, no_port> own_port_{};
};

} // namespace peakscope::profiler_detail
