// SPDX-License-Identifier: MIT
// heap::counting: the heap as `operator new` and `operator delete` see it, in requested bytes, exactly.
//
//     // in one .cpp file of the program:
//     #include <peakscope/heap/counting_operators.hpp>
//
//     // where the measurement starts:
//     #include <peakscope/heap/counting.hpp>
//     #include <peakscope/sites/frames.hpp>
//     using Memory = peakscope::profiler<Phases, peakscope::heap::counting<peakscope::sites::frames<8>>>;
//
// What it counts: every block from the replaced operators, in all threads, from the first one in the process, with the
// size that the program asked for. What it does not see: malloc called directly, by C libraries for example, and mmap.
//
// Every block remembers the phase it was born in, the one its thread worked for, and the label that was in scope; with
// a site policy, also the call stack that allocated it. Stacks are captured while a measurement runs: what was
// allocated before is told apart from the rest, but not by site.
//
// Precision: start, end, delta, allocated, freed and the counts are exact, also while other threads allocate: they are
// read while all threads stand still for a moment. A peak is exact where one thread alone was at work between each
// phase boundary and the next; where more were, it is bounded, see event.hpp, and so is what was alive then.
// `counting<batch<0_B>>` has exact peaks with any number of threads, and pays for it with a shared counter on every
// event.
//
// With an allocator's source as an option, `counting<sites::frames<8>, jemalloc<>>`, the report has what that allocator
// says of itself beside what was asked for: usable, active and resident bytes at the end of each window.
//
// The price: sixteen bytes in front of each block, and the tables, reported as the profiler's own. They are in the RSS
// figures.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/bytes.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/engine/capture.hpp>
#include <peakscope/engine/engine.hpp>
#include <peakscope/engine/label_names.hpp>
#include <peakscope/engine/ledger.hpp>
#include <peakscope/heap/counting_options.hpp>
#include <peakscope/heap/fwd.hpp>
#include <peakscope/sites/none.hpp>
#include <peakscope/sites/symboliser.hpp>

#include <concepts>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace peakscope::heap {

namespace detail {

using namespace engine;

// How a source over the counting engine tells that the functions it counts are replaced: it calls them, because what is
// linked decides, and not what was included somewhere.
struct counted_operators {
    static constexpr const char* allocates = "operator new";
    // Why the source cannot measure, or null.
    [[nodiscard]] static const char* refusal(bool is_counted) noexcept {
        if (!is_counted)
            return "the counted heap sees no allocations: operator new is not replaced. Include "
                   "<peakscope/heap/counting_operators.hpp> in exactly one .cpp file of the program";
        if (engine::state.malloc_is_replaced.load(std::memory_order_relaxed))
            return "malloc is counted too, and not operator new alone: measure with heap::malloc_counting, or include "
                   "<peakscope/heap/counting_operators.hpp> in the place of malloc_counting_functions.hpp";
        return nullptr;
    }
    [[nodiscard]] static void* allocate() { return ::operator new(1); }
    static void deallocate(void* block) noexcept { ::operator delete(block); }
};

// What the sources over the counting engine have in common. `RateBytes`: one stack in so many bytes is captured, all of
// them with 0.
template <class Counted, std::int64_t RateBytes, class... Options>
class counting_source : public names_allocator<typename chosen<is_statistics, no_statistics, Options...>::type> {
    static_assert(((batch_option<Options> || site_option<Options> || statistics_option<Options>) && ...),
                  "peakscope: the options of a counting heap source are batch<...>, a site policy, and an allocator's "
                  "source; include its header (peakscope/sites/..., peakscope/heap/...) where the measurement starts");
    static_assert((0 + ... + batch_option<Options>) <= 1 && (0 + ... + site_option<Options>) <= 1 &&
                      (0 + ... + statistics_option<Options>) <= 1,
                  "peakscope: a counting heap source takes one batch<...>, one site policy and one allocator's source");

    using allocator = typename chosen<is_statistics, no_statistics, Options...>::type;
    static constexpr bool reads_statistics = statistics_option<allocator>;
    using site_policy = typename chosen<is_site, sites::none, Options...>::type;
    static constexpr bool captures = !std::same_as<site_policy, sites::none>;
    static constexpr std::int64_t batch_bytes =
        chosen<is_batch, batch<bytes{default_batch_bytes}>, Options...>::type::batch_bytes;

  public:
    static constexpr const char* unit = "requested";

    class window {
        friend counting_source;
        flow start_;
        std::int64_t outer_peak_bytes_ = 0; // of the window around this one, before it was opened
        std::int64_t bound_bytes_ = 0;      // the worst interval so far
        std::int64_t known_peak_bytes_ = 0; // up to the last cut
        bool peak_is_noted_ = false;        // the ledger has the table of what was alive then
        std::size_t depth_ = 0;
        std::size_t part_ = 0; // 0 for the measurement, else the phase + 1
    };

    /// While one is alive, what its thread allocates is the profiler's own memory.
    using own_memory = own_memory_scope;

    /// Throws `usage_error` when another measurement uses the counted heap, and `source_error` when the operators are
    /// not replaced.
    void open() {
        if (engine::state.measured.exchange(true, std::memory_order_acq_rel))
            throw usage_error(
                "the counted heap serves one measurement at a time, and one is running: finish() it before "
                "the next one starts");
        if (is_off()) {
            engine::state.measured.store(false, std::memory_order_release);
            throw usage_error("the counted heap is switched off: call peakscope::heap::switch_counting_on() first");
        }
        if constexpr (reads_statistics)
            if (const char* const what_to_do = allocator::statistics::missing()) {
                engine::state.measured.store(false, std::memory_order_release);
                throw source_error(std::string{"heap::"} + allocator::name + " cannot be read: " + what_to_do);
            }
        if (const char* const refusal = Counted::refusal(is_replaced())) {
            engine::state.measured.store(false, std::memory_order_release);
            throw source_error(refusal);
        }
        static_cast<void>(labels_of_process()); // made now, when it is no event inside of another
        foreign_blocks_at_start_ = engine::state.foreign_blocks.load(std::memory_order_relaxed);
    }

    /// For a measurement by phases: makes room for `phase_count` of them, that nest up to `depth` deep. From here on,
    /// blocks are attributed to where they come from.
    void attribute(std::size_t phase_count, std::size_t depth) {
        std::vector<peak_of_phase>(phase_count + 1).swap(best_);
        ledger_.make_room(phase_count, depth);
        const cut standing_still;
        static_cast<void>(flush_all(standing_still)); // nothing may be pending when the batch changes
        end_interval(standing_still, [](origin, const tally&, const special_tally*) {});
        engine::state.origins.begin([](origin from) {
            holding& live = engine::state.live[from];
            // What sampled blocks stood for is forgotten (see `was_sampled`), but not the blocks.
            if (!is_counted(from)) live = {0, 0, 0, live.samples};
            return !live.is_zero();
        });
        ledger_.begin(standing_still);
        begin_booking_work(standing_still, phase_count);
        for (std::size_t label = 1; label < engine::state.label_count.load(std::memory_order_acquire); ++label)
            engine::state.labels[label].peak_bytes.store(
                engine::state.labels[label].live_bytes.load(std::memory_order_relaxed), std::memory_order_relaxed);
        ++engine::state.generation;
        engine::state.phase = outside_phases;
        engine::state.batch_bytes.store(batch_bytes, std::memory_order_relaxed);
        if constexpr (captures)
            engine::state.mode.store(&capturing<site_policy, RateBytes>::mode, std::memory_order_release);
    }

    void close() noexcept {
        {
            const cut standing_still;
            static_cast<void>(flush_all(standing_still));
            end_interval(standing_still, [](origin, const tally&, const special_tally*) {});
            engine::state.phase = before_measurement;
            engine::state.mode.store(nullptr, std::memory_order_release);
        }
        engine::state.measured.store(false, std::memory_order_release);
    }

    /// Gives free pages back to the system (glibc: malloc_trim), so that RSS starts from what is really in use.
    void settle() noexcept {
        if constexpr (reads_statistics) allocator::statistics::settle();
#if defined(__GLIBC__)
        static_cast<void>(::malloc_trim(0)); // whether it could give anything back makes no difference here
#endif
    }

    void enter(window& inner, window* outer) noexcept { enter(inner, outer, 0); }

    /// `phase` is the phase's number + 1, and 0 for the measurement.
    void enter(window& inner, window* outer, std::size_t phase) noexcept {
        const cut standing_still;
        const interval_peak now = flush_all(standing_still);
        if (outer != nullptr) {
            update(standing_still, *outer, now);
            note_if_new(standing_still, *outer, now);
            outer->bound_bytes_ = std::max(outer->bound_bytes_, now.bound_bytes);
            inner.depth_ = outer->depth_ + 1;
        }
        inner.outer_peak_bytes_ = now.peak_bytes;
        inner.part_ = phase;
        ledger_.end(standing_still, outer != nullptr ? outer->part_ : 0);
        inner.start_ = engine::state.totals;
        inner.known_peak_bytes_ = inner.start_.live_bytes();
        engine::state.peak_bytes.store(inner.known_peak_bytes_, std::memory_order_relaxed);
        engine::state.phase = static_cast<std::uint16_t>(outside_phases + phase);
    }

    heap_figures leave(window& inner, window* outer) noexcept {
        heap_figures figures = close_window(inner, outer);
        if constexpr (reads_statistics) {
            const own_memory profilers;
            figures.allocator = allocator::statistics::read().state;
        }
        return figures;
    }

    /// Block headers, records, tables, and what was allocated under `own_memory` and is still live.
    [[nodiscard]] std::optional<bytes> own_bytes() const noexcept {
        const cut standing_still;
        std::int64_t own = engine::state.record_bytes.load(std::memory_order_relaxed) +
                           engine::state.stacks.resident() + engine::state.origins.resident() + ledger_.resident() +
                           memory::resident_bytes(engine::state.live, engine::state.origins.count() * sizeof(holding)) +
                           memory::resident_bytes(engine::state.labels, most_labels * sizeof(label_total)) +
                           memory::resident_bytes(engine::state.work, most_phases * sizeof(work_total));
        if constexpr (captures && sites::keeps_tables<site_policy>) own += site_policy::own_bytes();
        std::int64_t blocks = engine::state.totals.live_blocks();
        for (auto* record = first_record(); record != nullptr; record = record->next) {
            own += record->own_bytes + table_bytes(*record);
            blocks += record->own_blocks;
        }
        for_each_changed(standing_still, [&](thread_record&, origin from, tally& changed) {
            if (is_counted(from)) blocks += changed.since_cut.live_blocks();
        });
        return bytes{own + blocks * static_cast<std::int64_t>(sizeof(block_header))};
    }

    [[nodiscard]] std::string remark() const {
        std::string text;
        const auto foreign = engine::state.foreign_blocks.load(std::memory_order_relaxed) - foreign_blocks_at_start_;
        if (foreign > 0)
            text += "heap: " + std::to_string(foreign) + " blocks were freed that the counted " + Counted::allocates +
                    " did not allocate; they are in no figure";
        if (!ledger_.complete())
            text += std::string{text.empty() ? "" : ". "} + "heap: the system had no memory for a table of the "
                                                            "profiler's; amounts by site, label and birth are missing";
        return text;
    }

    /// Who allocated, when the measurement is closed. Throws std::bad_alloc.
    [[nodiscard]] attribution attributed() const {
        attribution made = ledger_.hand_over(RateBytes);
        if constexpr (captures) made.of_sites = RateBytes > 0 ? sampled(bytes{RateBytes}) : exact;
        return made;
    }

    /// The stacks of an attribution with names. Throws what the site policy's symboliser throws.
    [[nodiscard]] named_stacks named(const attribution& of) const {
        if constexpr (captures) {
            static_assert(
                sites::symboliser<typename site_policy::symboliser>,
                "peakscope: the symboliser of the site policy must satisfy sites::symboliser; for the default "
                "one include <peakscope/sites/libbacktrace.hpp> and link with -lbacktrace, or name another: "
                "sites::frames<8, sites::addresses>");
            return sites::name_stacks<typename site_policy::symboliser>(of);
        } else {
            static_cast<void>(of);
            return {};
        }
    }

    /// Puts a label in scope on the calling thread and returns what to give back to `leave_label`.
    static std::uint16_t enter_label(std::string_view name) {
        std::uint16_t number = 0;
        {
            const own_memory profilers;
            number = labels_of_process().number_of(name);
        }
        return exchange_label(number);
    }
    static void leave_label(std::uint16_t before) noexcept { static_cast<void>(exchange_label(before)); }

    /// Puts a phase, by its number, in scope on the calling thread and returns what to give back to `leave_work`.
    static std::uint64_t enter_work(std::size_t phase) noexcept {
        std::uint64_t before = 0;
        with_record<detail::enter_work>(static_cast<std::uint16_t>(first_phase + phase), before);
        return before;
    }
    static void leave_work(std::uint64_t before) noexcept { with_record<detail::leave_work>(before); }

  private:
    struct peak_of_phase {
        bool entered = false;
        std::int64_t peak_bytes = 0;
    };

    [[nodiscard]] heap_figures close_window(window& inner, window* outer) noexcept {
        const cut standing_still;
        const interval_peak now = flush_all(standing_still);
        inner.bound_bytes_ = std::max(inner.bound_bytes_, now.bound_bytes);
        update(standing_still, inner, now);
        const bool outer_takes_it = outer != nullptr && now.peak_bytes > outer->known_peak_bytes_;
        const bool is_best = part_takes_it(inner.part_, now.peak_bytes);
        if (outer_takes_it || is_best) note_if_new(standing_still, inner, now);
        if (is_best) ledger_.keep_peak(inner.depth_, inner.part_);
        if (outer == nullptr) end_booking_work(standing_still);
        ledger_.end(standing_still, inner.part_);
        ledger_.keep_end(inner.part_);
        if (outer != nullptr) {
            outer->bound_bytes_ = std::max(outer->bound_bytes_, inner.bound_bytes_);
            if (outer_takes_it) {
                ledger_.take_over(outer->depth_, inner.depth_);
                outer->known_peak_bytes_ = now.peak_bytes;
                outer->peak_is_noted_ = true;
            }
            engine::state.peak_bytes.store(std::max(inner.outer_peak_bytes_, now.peak_bytes),
                                           std::memory_order_relaxed);
            engine::state.phase = static_cast<std::uint16_t>(outside_phases + outer->part_);
        } else { // what looks at the heap from outside of the measurement (heap_since.hpp) has a peak too
            engine::state.peak_bytes.store(std::max(inner.outer_peak_bytes_, now.peak_bytes),
                                           std::memory_order_relaxed);
        }
        return figures_of(inner, engine::state.totals, now.peak_bytes);
    }

    // The peak may have risen since the last cut.
    static void update(const cut&, window& of, const interval_peak& now) noexcept {
        if (now.peak_bytes <= of.known_peak_bytes_) return;
        of.known_peak_bytes_ = now.peak_bytes;
        of.peak_is_noted_ = false;
    }
    void note_if_new(const cut& standing_still, window& of, const interval_peak& now) noexcept {
        if (of.peak_is_noted_) return;
        ledger_.note_peak(standing_still, now, of.depth_);
        of.peak_is_noted_ = true;
    }
    [[nodiscard]] bool part_takes_it(std::size_t part, std::int64_t peak_bytes) noexcept {
        if (part >= best_.size()) return false;
        peak_of_phase& best = best_[part];
        if (best.entered && peak_bytes <= best.peak_bytes) return false;
        best = {true, peak_bytes};
        return true;
    }

    [[nodiscard]] static heap_figures figures_of(const window& of, const flow& end, std::int64_t peak_bytes) noexcept {
        const flow& start = of.start_;
        heap_figures figures{.totals_precision = exact, .peak_precision = bounded({of.bound_bytes_})};
        figures.start = bytes{start.live_bytes()};
        figures.end = bytes{end.live_bytes()};
        figures.delta = bytes{end.live_bytes() - start.live_bytes()};
        figures.peak = bytes{peak_bytes};
        figures.peak_delta = bytes{peak_bytes - start.live_bytes()};
        figures.allocated = bytes{static_cast<std::int64_t>(end.allocated_bytes - start.allocated_bytes)};
        figures.freed = bytes{static_cast<std::int64_t>(end.freed_bytes - start.freed_bytes)};
        figures.allocations = end.allocations - start.allocations;
        figures.deallocations = end.deallocations - start.deallocations;
        figures.blocks_start = static_cast<std::uint64_t>(start.live_blocks());
        figures.blocks_end = static_cast<std::uint64_t>(end.live_blocks());
        return figures;
    }

    [[nodiscard]] static std::int64_t table_bytes(const thread_record& record) noexcept {
        const std::size_t count = engine::state.origins.count();
        return memory::resident_bytes(record.tallies, count * sizeof(tally)) + record.stacks.resident();
    }

    [[nodiscard]] static bool is_replaced() {
        const own_memory not_the_programs;
        thread_record* const record = current_record;
        if (record == &no_record) return false;
        const std::int64_t before = record->own_blocks;
        void* volatile probe = Counted::allocate();       // volatile: the call must not be optimised away
        const bool counted = record->own_blocks > before; // more than one, where who is preloaded allocates as well
        Counted::deallocate(probe);
        return counted;
    }

    ledger ledger_;
    std::vector<peak_of_phase> best_; // by phase + 1; the measurement's first
    std::uint64_t foreign_blocks_at_start_ = 0;
};

} // namespace detail

/// The heap source over the replaced operators. Its options, in any order: `batch<...>`, and a site policy
/// (peakscope/sites). Global to the process: it serves one measurement at a time.
template <class... Options>
class counting : public detail::counting_source<detail::counted_operators, 0, Options...> {
  public:
    static constexpr const char* name = "counting";
};

/// The same figures, with the stacks of a sample: on average one in `Rate` allocated bytes is looked at, every byte
/// with the same chance, so that what it costs hardly depends on how many small blocks a program allocates. Totals,
/// peaks, labels and births are as with `counting`; amounts by site are unbiased estimates and carry their standard
/// error.
template <bytes Rate, class... Options>
class sampling : public detail::counting_source<detail::counted_operators, Rate.count, Options...> {
    static_assert(Rate.count > 0, "peakscope: a sampling rate is a number of bytes above 0");

  public:
    static constexpr const char* name = "sampling";
};

} // namespace peakscope::heap
