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
#include <peakscope/profiler/accumulate.hpp>
#include <peakscope/profiler/attribute.hpp>
#include <peakscope/profiler/profiler.hpp>
#include <peakscope/rss/none.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

namespace peakscope {

namespace profiler_detail {

// One measurement: the stack of open windows and the sums by phase. All of it has a fixed size, so that opening and
// closing a phase allocates nothing.
template <class Phases, class Heap, class Rss>
class measurement final : public running_measurement {
    static_assert(peakscope::heap_source<Heap>,
                  "peakscope: the second argument of profiler must satisfy heap_source (for a "
                  "built-in one, include its header where the measurement starts)");
    static_assert(peakscope::rss_source<Rss>,
                  "peakscope: the third argument of profiler must satisfy rss_source (for a built-in "
                  "one, include its header where the measurement starts)");
    using clock = std::chrono::steady_clock;

  public:
    explicit measurement(std::string_view title) : title_(title) {}

    // Claims the sources and reads the baseline, last of all.
    template <class Settle>
    void start(Settle&& settle) {
        const opened<Heap> heap_opened{heap_};
        const opened<Rss> rss_opened{rss_};
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
    [[nodiscard]] bool finished() const noexcept { return depth_ == 0; }
    [[nodiscard]] std::size_t innermost_phase() const noexcept { return windows_[depth_ - 1].phase; }

    [[nodiscard]] bool on_its_thread() const noexcept { return std::this_thread::get_id() == thread_; }

    void enter(std::size_t phase) override {
        if (!on_its_thread())
            throw usage_error(name_of(phase) + " cannot be opened on this thread: phases are windows on the whole "
                                               "process, and are opened on the thread that started the measurement");
        if (const std::size_t parent = Phases::info(phase).parent; parent != innermost_phase())
            throw usage_error(name_of(phase) + " lies in " + name_of(parent) + " and cannot be opened in " +
                              name_of(innermost_phase()) +
                              ": open its parent first, or change the phase list so that it fits the program");
        open_window(phase);
    }

    // Closes what is still open inside the phase as well, so that a wrong order cannot corrupt the figures.
    void leave(std::size_t phase) noexcept override {
        if (!is_open(phase)) return;
        while (innermost_phase() != phase) {
            closed_out_of_order_ = true;
            close_phase();
        }
        close_phase();
    }

    // Closes every window. The report's figures stay here; the sources are kept until `give_back`.
    void stop() noexcept {
        while (depth_ > 1)
            close_phase();
        total_ = close_window();
        own_bytes_ = heap_.own_bytes();
    }
    void give_back() noexcept {
        heap_.close();
        rss_.close();
    }

    [[nodiscard]] memory_report make_report(items divided_by) const {
        memory_report report;
        report.title = title_;
        if (divided_by.count > 0) report.items = item_count{divided_by.name, divided_by.count};
        report.heap_source = Heap::name;
        report.heap_unit = Heap::unit;
        report.heap = total_.heap;
        if constexpr (reads_allocator<Heap>) report.allocator = Heap::allocator_name;
        report.rss_source = Rss::name;
        report.rss = total_.rss;
        report.duration = total_.duration;
        report.phases.reserve(Phases::count);
        for (std::size_t i = 0; i < Phases::count; ++i) {
            const sums& phase = phases_[i];
            report.phases.push_back(
                {Phases::info(i).path, phase.entries, phase.duration, phase.heap, phase.rss, {}, {}, {}});
        }
        report.profiler_bytes = own_bytes_;
        for (std::string remark : {std::string{heap_.remark()}, std::string{rss_.remark()}})
            if (!remark.empty()) report.notes.push_back(std::move(remark));
        if constexpr (attributes_memory<Heap>) {
            const attribution of = heap_.attributed();
            const named_stacks named = heap_.named(of);
            attribution_report{of, named, [](std::size_t phase) { return Phases::info(phase).parent; }}.write(report);
        }
        if (closed_out_of_order_)
            report.notes.emplace_back("phases: a phase was closed while one inside it was open; both were closed then");
        return report;
    }

    static std::string name_of(std::size_t phase) {
        return phase == phase_info::root ? "the measurement" : "phase '" + std::string{Phases::info(phase).path} + "'";
    }

  private:
    struct sums {
        std::uint64_t entries = 0;
        std::chrono::nanoseconds duration{};
        heap_figures heap;
        rss_figures rss;
    };

    struct open_window_state {
        std::size_t phase = phase_info::root;
        typename Heap::window heap;
        typename Rss::window rss;
        clock::time_point start;
    };

    // Opens a source, and closes it again unless the measurement comes about.
    template <class Source>
    class opened {
      public:
        explicit opened(Source& source) : source_(&source) {
            [[maybe_unused]] const typename Heap::own_memory profilers;
            source.open();
        }
        ~opened() {
            if (source_ != nullptr) source_->close();
        }
        opened(const opened&) = delete;
        opened& operator=(const opened&) = delete;
        void keep() const noexcept { source_ = nullptr; }

      private:
        mutable Source* source_;
    };

    [[nodiscard]] bool is_open(std::size_t phase) const noexcept {
        for (std::size_t i = 1; i < depth_; ++i)
            if (windows_[i].phase == phase) return true;
        return false;
    }

    [[nodiscard]] open_window_state* around_innermost() noexcept {
        return depth_ > 1 ? &windows_[depth_ - 2] : nullptr;
    }

    // The heap's window is the innermost: it holds no system call of the RSS source.
    void open_window(std::size_t phase) noexcept {
        ++depth_;
        open_window_state& inner = windows_[depth_ - 1];
        open_window_state* const outer = around_innermost();
        inner = {};
        inner.phase = phase;
        rss_.enter(inner.rss, outer != nullptr ? &outer->rss : nullptr);
        typename Heap::window* const around = outer != nullptr ? &outer->heap : nullptr;
        if constexpr (attributes_memory<Heap>)
            heap_.enter(inner.heap, around, phase == phase_info::root ? 0 : phase + 1);
        else
            heap_.enter(inner.heap, around);
        inner.start = clock::now();
    }

    sums close_window() noexcept {
        open_window_state& inner = windows_[depth_ - 1];
        open_window_state* const outer = around_innermost();
        sums closed{1, clock::now() - inner.start, {}, {}};
        closed.heap = heap_.leave(inner.heap, outer != nullptr ? &outer->heap : nullptr);
        closed.rss = rss_.leave(inner.rss, outer != nullptr ? &outer->rss : nullptr);
        --depth_;
        return closed;
    }

    void close_phase() noexcept {
        sums& into = phases_[innermost_phase()];
        const sums closed = close_window();
        if (into.entries == 0) {
            into = closed;
            return;
        }
        into.entries += closed.entries;
        into.duration += closed.duration;
        accumulate(into.heap, closed.heap);
        accumulate(into.rss, closed.rss);
    }

    void destroy() noexcept override {
        [[maybe_unused]] const typename Heap::own_memory profilers;
        delete this;
    }

    std::string title_;
    std::thread::id thread_ = std::this_thread::get_id();
    Heap heap_;
    Rss rss_;
    std::array<open_window_state, Phases::depth + 1> windows_;
    std::size_t depth_ = 0;
    std::array<sums, Phases::count + 1> phases_; // one more, so that an empty list has an array
    sums total_;
    std::optional<bytes> own_bytes_;
    bool closed_out_of_order_ = false;
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
        if (running_.load() != nullptr)
            throw usage_error("a measurement of this profiler type is running: finish() it before the next one starts");
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
    if constexpr (!per_instance) running_.store(made);
    if constexpr (!per_instance && (tells_labels_apart<Heap> || attributes_work<Heap>))
        threads_.store(&profiler_detail::port_for_threads<Heap>);
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
        running_.store(nullptr);
        threads_.store(nullptr);
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
    if (measurement_->finished())
        throw usage_error(
            "finish() was called on a measurement that is finished: it reports once, keep what it returns");
    if (!measurement_->on_its_thread())
        throw usage_error("finish() must be called on the thread that started the measurement");
    if (const std::size_t open = measurement_->innermost_phase(); open != phase_info::root)
        throw usage_error("finish() was called while " + measurement::name_of(open) +
                          " is open: end its scope first, the measurement goes on until then");
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
