// SPDX-License-Identifier: MIT
// Starting and finishing a measurement: where the policies meet. Included by the file that does it; files that only
// open phases need profiler.hpp alone.
//
//     Site site = load_fixture();                               // not measured
//     Memory memory{"100-page build"};                          // settle, then the clean baseline
//     build(site);                                              // opens phases
//     auto report = memory.finish(peakscope::items{"page", 100});
#pragma once

#include <peakscope/core/concepts.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/heap/none.hpp>
#include <peakscope/profiler/profiler.hpp>
#include <peakscope/profiler/running.hpp>
#include <peakscope/rss/none.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace peakscope {

namespace profiler_detail {

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
        use({Phases::table::infos, Phases::count, windows_.data(), sums_.data()});
    }

    // Claims the sources and reads the baseline, last of all.
    template <class Settle>
    void start(Settle&& settle) {
        const open_guard<Heap> heap_opened{heap_};
        const open_guard<Rss> rss_opened{rss_};
        std::forward<Settle>(settle)();
        heap_.settle();
        if constexpr (attributes_memory<Heap>) {
            [[maybe_unused]] const typename Heap::own_memory profilers;
            heap_.attribute(Phases::count, Phases::depth);
        }
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
            [[maybe_unused]] const typename Heap::own_memory profilers;
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

    // The heap's window is the innermost: it holds no system call of the RSS source.
    void enter_sources(std::size_t depth, [[maybe_unused]] std::size_t phase) noexcept override {
        heap_windows_[depth] = {};
        rss_windows_[depth] = {};
        rss_.enter(rss_windows_[depth], depth > 0 ? &rss_windows_[depth - 1] : nullptr);
        typename Heap::window* const around = depth > 0 ? &heap_windows_[depth - 1] : nullptr;
        if constexpr (attributes_memory<Heap>)
            heap_.enter(heap_windows_[depth], around, phase == phase_info::root ? 0 : phase + 1);
        else
            heap_.enter(heap_windows_[depth], around);
    }
    void leave_sources(std::size_t depth, window_sums& into) noexcept override {
        into.heap = heap_.leave(heap_windows_[depth], depth > 0 ? &heap_windows_[depth - 1] : nullptr);
        into.rss = rss_.leave(rss_windows_[depth], depth > 0 ? &rss_windows_[depth - 1] : nullptr);
    }
    [[nodiscard]] std::optional<bytes> own_bytes() const noexcept override { return heap_.own_bytes(); }

    void describe(memory_report& report) const override {
        report.heap_source = Heap::name;
        report.heap_unit = Heap::unit;
        if constexpr (reads_allocator<Heap>) report.allocator = Heap::allocator_name;
        report.rss_source = Rss::name;
        for (std::string remark : {std::string{heap_.remark()}, std::string{rss_.remark()}})
            if (!remark.empty()) report.notes.push_back(std::move(remark));
        if constexpr (attributes_memory<Heap>) {
            const attribution of = heap_.attributed();
            write_attribution(report, of, heap_.named(of), Phases::table::infos, Phases::count);
        }
    }

    void destroy() noexcept override {
        [[maybe_unused]] const typename Heap::own_memory profilers;
        delete this;
    }

    Heap heap_;
    Rss rss_;
    std::array<typename Heap::window, Phases::depth + 1> heap_windows_;
    std::array<typename Rss::window, Phases::depth + 1> rss_windows_;
    std::array<profiler_detail::open_window, Phases::depth + 1> windows_;
    std::array<window_sums, Phases::count + 1> sums_; // one more, so that an empty list has an array
};

// What the source does not know does nothing.
template <class Heap>
class thread_port_of final : public thread_port {
  public:
    unsigned short enter_label([[maybe_unused]] const char* name, [[maybe_unused]] std::size_t length) const override {
        if constexpr (tells_labels_apart<Heap>) return Heap::enter_label({name, length});
        return 0;
    }
    void leave_label([[maybe_unused]] unsigned short before) const noexcept override {
        if constexpr (tells_labels_apart<Heap>) Heap::leave_label(before);
    }
    std::uint64_t enter_work([[maybe_unused]] std::size_t phase) const noexcept override {
        if constexpr (attributes_work<Heap>) return Heap::enter_work(phase);
        return 0;
    }
    void leave_work([[maybe_unused]] std::uint64_t before) const noexcept override {
        if constexpr (attributes_work<Heap>) Heap::leave_work(before);
    }
};
template <class Heap>
inline constexpr thread_port_of<Heap> port_for_threads{};

} // namespace profiler_detail

template <class Phases, class Heap, class Rss, class Report>
template <class Title, class Settle>
profiler<Phases, Heap, Rss, Report>::profiler(const Title& title, Settle&& settle) {
    static_assert(std::is_convertible_v<const Title&, std::string_view>,
                  "peakscope: a measurement's title must convert to std::string_view");
    if constexpr (!per_instance) {
        if (scopes<Phases>::running_.load() != nullptr)
            throw usage_error("a measurement with this phase list is running: finish() it before the next one starts");
    }
    measurement* made = nullptr;
    {
        [[maybe_unused]] const typename Heap::own_memory profilers;
        made = new measurement(title);
    }
    try {
        made->start(std::forward<Settle>(settle));
    } catch (...) {
        made->release();
        throw;
    }
    measurement_ = made;
    open_for_phases_ = made;
    if constexpr (!per_instance) scopes<Phases>::running_.store(made);
    if constexpr (!per_instance && (tells_labels_apart<Heap> || attributes_work<Heap>))
        scopes<Phases>::threads_.store(&profiler_detail::port_for_threads<Heap>);
}

template <class Phases, class Heap, class Rss, class Report>
profiler<Phases, Heap, Rss, Report>::~profiler() {
    if (!measurement_->finished()) {
        stop();
        measurement_->give_back();
    }
    measurement_->release();
}

template <class Phases, class Heap, class Rss, class Report>
void profiler<Phases, Heap, Rss, Report>::stop() noexcept {
    open_for_phases_ = nullptr;
    if constexpr (!per_instance) {
        scopes<Phases>::running_.store(nullptr);
        scopes<Phases>::threads_.store(nullptr);
    }
    measurement_->stop();
}

template <class Phases, class Heap, class Rss, class Report>
template <class Source>
Source& profiler<Phases, Heap, Rss, Report>::heap() noexcept
    requires counts_per_instance<Source>
{
    return measurement_->heap();
}

template <class Phases, class Heap, class Rss, class Report>
template <class Result>
Result profiler<Phases, Heap, Rss, Report>::finish(items divided_by) {
    static_assert(std::is_same_v<Result, memory_report>);
    measurement_->check_finish();
    stop();
    [[maybe_unused]] const typename Heap::own_memory profilers;
    memory_report report;
    try {
        report = measurement_->make_report(divided_by);
    } catch (...) {
        measurement_->give_back();
        throw;
    }
    measurement_->give_back();
    if constexpr (!std::is_same_v<Report, report::none>) {
        static_assert(peakscope::report_backend<Report>,
                      "peakscope: the fourth argument of profiler must satisfy report_backend "
                      "(for a built-in one, include its header where the measurement finishes)");
        Report{}(report);
    }
    return report;
}

} // namespace peakscope
