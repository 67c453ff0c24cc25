// SPDX-License-Identifier: MIT
// Injected failures: what does the program do when there is no memory?
//
//     using Heap = peakscope::heap::counting<peakscope::sites::frames<8>>;
//     const auto report = peakscope::testing::fail_each_allocation<Heap>([] { parse(text); }, {.isolated = true});
//     CHECK_MESSAGE(report.ok(), report.text());
//
// The work runs again and again. Its first allocation fails, then its second, and so on, until it gets through without
// any failing: with std::bad_alloc, a null pointer or ENOMEM, by the form of the call. Each time the work may throw or
// not, but it must not leave memory behind, must not crash (which is told only if it is `isolated` in a child process),
// and must keep what `promise` asks for: the strong exception guarantee, for example. It runs on the calling thread,
// and only allocations of that thread fail.
//
// Works under the sources over the counting engine: with `malloc_counting`, malloc, calloc and realloc fail as well.
// With heap::resource the work is given the resource, and what is allocated from it fails, and nothing else.
#pragma once

#include <peakscope/core/concepts.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/engine/fault_hook.hpp>
#include <peakscope/engine/label_names.hpp>
#include <peakscope/heap/resource.hpp>
#include <peakscope/sites/stack.hpp>
#include <peakscope/testing/child_process.hpp>
#include <peakscope/testing/measured_work.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <memory_resource>
#include <new>
#include <optional>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

/// Which allocations may fail: all that every member admits.
struct fault_options {
    std::size_t least_bytes = 0;
    std::size_t most_bytes = std::numeric_limits<std::size_t>::max();
    std::string label{}; ///< only under this label
    std::string site{};  ///< only where the place, as reports show it, holds this text; needs a site policy

    std::size_t warm_up = 1;             ///< runs before, in which nothing fails: what is set up once is no leak
    std::size_t most_attempts = 100'000; ///< then it is given up
    std::function<bool()> promise{};     ///< asked after each attempt; false, or an exception, is a broken promise
    bool isolated = false;               ///< each attempt in a child process
    child_limits child{};
};

enum class fault_kind {
    leaked, ///< memory was left behind
    crashed,
    broke_promise,
    hung ///< took longer than its time
};

struct fault_finding {
    fault_kind kind = fault_kind::leaked;
    std::size_t number = 0; ///< of the allocation that failed, from 1; at random: of the attempt
    std::string place{};    ///< where it was: "parser.cpp:12  parse"; empty without a site policy
    std::string detail{};
};

struct fault_report {
    std::size_t attempts = 0; ///< in which an allocation failed
    std::vector<fault_finding> findings{};
    std::optional<std::uint64_t> seed{}; ///< at random
    bool gave_up = false;                ///< after `most_attempts`

    [[nodiscard]] bool ok() const noexcept { return findings.empty() && !gave_up; }

    /// Several lines for a person.
    [[nodiscard]] std::string text() const {
        std::string lines = format_count(attempts) + " attempts with a failing allocation, " +
                            format_count(findings.size()) + " findings" +
                            (seed ? "; at random with seed " + std::to_string(*seed) : std::string{}) +
                            (gave_up ? "; given up before the work got through" : "");
        for (const fault_finding& each : findings)
            lines += "\n  " + std::string{name(each.kind)} + (seed ? " in attempt " : " when allocation ") +
                     std::to_string(each.number) + (seed ? "" : " failed") +
                     (each.place.empty() ? "" : ", at " + each.place) + ": " + each.detail;
        return lines;
    }

    [[nodiscard]] static const char* name(fault_kind kind) noexcept {
        switch (kind) {
        case fault_kind::leaked:
            return "leaked";
        case fault_kind::crashed:
            return "crashed";
        case fault_kind::broke_promise:
            return "broke its promise";
        case fault_kind::hung:
            break;
        }
        return "hung";
    }
};

namespace detail {

// Decides which allocation fails. Called inside of allocations: it allocates nothing.
class fault_decision {
  public:
    explicit fault_decision(const fault_options& options) : options_(options) {
        if (!options.label.empty()) label_ = engine::labels_of_process().number_of(options.label);
    }
    void only_at(std::vector<call_stack> stacks) { stacks_ = std::move(stacks); }

    // The nth allocation that the options admit; with `fails` false it is only looked at.
    void by_number(std::size_t number, bool fails) noexcept {
        seen_ = 0;
        fired_ = false;
        where_ = nullptr;
        number_ = number;
        fails_ = fails;
    }
    // The same again, but nothing fails.
    void look() noexcept { by_number(number_, false); }
    void at_random(double probability, std::uint64_t seed) {
        by_number(0, true);
        random_.seed(seed);
        probability_ = probability;
    }

    [[nodiscard]] bool fired() const noexcept { return fired_; }
    [[nodiscard]] call_stack where() const {
        if (where_ == nullptr) return {};
        const sites::stack_view stack = sites::view_of(where_);
        return {stack.frames, stack.frames + stack.depth};
    }

    static bool decide(void* self, const engine::faultable& allocation) noexcept {
        return static_cast<fault_decision*>(self)->shall_fail(allocation);
    }

  private:
    [[nodiscard]] bool shall_fail(const engine::faultable& allocation) noexcept {
        if (!admitted(allocation)) return false;
        ++seen_;
        const bool hit = number_ > 0 ? seen_ == number_ : std::generate_canonical<double, 32>(random_) < probability_;
        if (!hit) return false;
        if (!fired_) where_ = allocation.stack;
        fired_ = true;
        return fails_;
    }

    [[nodiscard]] bool admitted(const engine::faultable& allocation) const noexcept {
        if (allocation.requested_bytes < options_.least_bytes || allocation.requested_bytes > options_.most_bytes)
            return false;
        if (!options_.label.empty() && allocation.label != label_) return false;
        if (options_.site.empty()) return true;
        if (allocation.stack == nullptr) return false;
        const sites::stack_view stack = sites::view_of(allocation.stack);
        return std::ranges::any_of(stacks_, [&](const call_stack& each) {
            return std::equal(each.begin(), each.end(), stack.frames, stack.frames + stack.depth);
        });
    }

    const fault_options& options_;
    std::vector<call_stack> stacks_;
    std::uint16_t label_ = 0;
    std::size_t number_ = 0;
    std::size_t seen_ = 0;
    bool fails_ = true;
    bool fired_ = false;
    sites::stored_stack where_ = nullptr;
    std::minstd_rand random_;
    double probability_ = 0;
};

// What an attempt has shown, as text between processes too.
struct attempt_result {
    bool fired = false;
    bool found = false;
    fault_kind kind = fault_kind::leaked;
    std::string place{};
    std::string detail{};

    [[nodiscard]] std::string to_text() const {
        std::ostringstream text;
        text << fired << ' ' << found << ' ' << static_cast<int>(kind) << ' ' << place.size() << ' ' << place << detail;
        return std::move(text).str();
    }
    [[nodiscard]] static attempt_result from_text(const std::string& text) {
        attempt_result made;
        std::istringstream from{text};
        int kind = 0;
        std::size_t size = 0;
        from >> made.fired >> made.found >> kind >> size;
        from.get();
        made.kind = static_cast<fault_kind>(kind);
        made.place.resize(size);
        from.read(made.place.data(), static_cast<std::streamsize>(size));
        made.detail.assign(std::istreambuf_iterator<char>{from}, {});
        return made;
    }
};

// Where a heap::resource has its memory from, and fails to have it.
class failing_upstream final : public std::pmr::memory_resource {
  public:
    explicit failing_upstream(fault_decision& decision) : decision_(decision) {}
    bool fails = false;

  private:
    void* do_allocate(std::size_t size_bytes, std::size_t alignment) override {
        if (fails && fault_decision::decide(&decision_, {size_bytes, 0, nullptr})) throw std::bad_alloc{};
        return std::pmr::new_delete_resource()->allocate(size_bytes, alignment);
    }
    void do_deallocate(void* block, std::size_t size_bytes, std::size_t alignment) override {
        std::pmr::new_delete_resource()->deallocate(block, size_bytes, alignment);
    }
    [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }

    fault_decision& decision_;
};

template <heap_source Heap, class Work>
class fault_runner {
    using own_memory = typename Heap::own_memory;
    static constexpr bool per_instance = std::derived_from<Heap, heap::resource>;

  public:
    fault_runner(Work& work, const fault_options& options) : work_(work), options_(options) {
        if constexpr (per_instance) measured_.source().set_upstream(upstream_);
        for (std::size_t i = 0; i < std::max<std::size_t>(options.warm_up, 1); ++i)
            static_cast<void>(measured_.run(work_));
        [[maybe_unused]] const own_memory profilers;
        live_ = measured_.live_by_stack();
        std::vector<call_stack> chosen;
        if (!options.site.empty()) {
            for (const auto& [stack, place] : measured_.places())
                if (place.find(options.site) != std::string::npos) chosen.push_back(stack);
            if (chosen.empty())
                throw usage_error("faults: nothing was allocated at a site that holds '" + options.site +
                                  "'; the heap source needs a site policy, and the work must come there");
        }
        decision_.only_at(std::move(chosen));
    }

    [[nodiscard]] fault_report each() {
        fault_report report;
        for (std::size_t number = 1; number <= options_.most_attempts; ++number) {
            decision_.by_number(number, true);
            const attempt_result result = options_.isolated ? isolated_attempt() : attempt();
            if (!result.fired) return report;
            ++report.attempts;
            if (result.found) report.findings.push_back({result.kind, number, result.place, result.detail});
        }
        report.gave_up = true;
        return report;
    }

    [[nodiscard]] fault_report at_random(std::size_t runs, double probability, std::uint64_t seed) {
        fault_report report;
        report.seed = seed;
        for (std::size_t run = 1; run <= runs; ++run) {
            decision_.at_random(probability, seed + run);
            const attempt_result result = options_.isolated ? isolated_attempt() : attempt();
            if (!result.fired) continue;
            ++report.attempts;
            if (result.found) report.findings.push_back({result.kind, run, result.place, result.detail});
        }
        return report;
    }

  private:
    // In the order in which a person wants to hear of it: a broken promise before a leak.
    [[nodiscard]] attempt_result attempt() {
        attempt_result result;
        heap_figures figures;
        figures = measured_.run(guarded_);
        [[maybe_unused]] const own_memory profilers;
        result.fired = decision_.fired();
        if (!result.fired && unexpected_) std::rethrow_exception(std::exchange(unexpected_, nullptr));
        unexpected_ = nullptr;
        if (!result.fired) return result;
        if (std::string broken; !keeps_promise(broken)) {
            result.found = true;
            result.kind = fault_kind::broke_promise;
            result.detail = std::move(broken);
        } else if (figures.delta && figures.delta->count > 0) {
            result.found = true;
            result.detail = leak_text(*figures.delta);
        }
        if (result.found) result.place = place_of(decision_.where());
        return result;
    }

    [[nodiscard]] attempt_result isolated_attempt() {
        const child_result child = run_in_children(1, [this] { return attempt().to_text(); }, options_.child).front();
        if (child.succeeded) return attempt_result::from_text(child.text);
        if (child.text.starts_with("it threw: ")) throw error("faults: the work fails by itself: " + child.text);
        attempt_result result;
        result.fired = result.found = true;
        result.kind = child.text.starts_with("it took longer") ? fault_kind::hung : fault_kind::crashed;
        result.detail = child.text;
        // The child cannot say where; the same allocation is looked at here, without failing.
        decision_.look();
        static_cast<void>(measured_.run(guarded_));
        [[maybe_unused]] const own_memory profilers;
        unexpected_ = nullptr;
        static_cast<void>(measured_.live_by_stack());
        result.place = place_of(decision_.where());
        return result;
    }

    [[nodiscard]] bool keeps_promise(std::string& broken) const {
        if (!options_.promise) return true;
        try {
            if (options_.promise()) return true;
            broken = "it says no";
        } catch (const std::exception& thrown) {
            broken = thrown.what();
        }
        return false;
    }

    [[nodiscard]] std::string leak_text(bytes leaked) {
        std::map<call_stack, std::int64_t> live = measured_.live_by_stack();
        std::string text = format_bytes(leaked);
        const std::map<call_stack, std::string> places = measured_.places();
        for (const auto& [stack, held] : live)
            if (const auto before = live_.find(stack); held > (before != live_.end() ? before->second : 0))
                if (const auto place = places.find(stack); place != places.end())
                    text += ", allocated at " + place->second;
        live_ = std::move(live);
        return text;
    }

    [[nodiscard]] std::string place_of(const call_stack& stack) {
        const std::map<call_stack, std::string> places = measured_.places();
        const auto found = places.find(stack);
        return found != places.end() ? found->second : "";
    }

    // Nothing that the work throws leaves a measurement's window: the exception would be live in it.
    struct guarded_work {
        fault_runner& runner;
        void operator()() {
            try {
                runner.work_under_faults();
            } catch (const std::bad_alloc&) { // NOLINT(bugprone-empty-catch): it may throw that
            } catch (...) {
                if (!runner.decision_.fired()) runner.unexpected_ = std::current_exception();
            }
        }
    };

    void work_under_faults() {
        if constexpr (per_instance) {
            const struct armed {
                failing_upstream& upstream;
                explicit armed(failing_upstream& of) : upstream(of) { upstream.fails = true; }
                ~armed() { upstream.fails = false; }
            } while_it_runs{upstream_};
            work_(measured_.source());
        } else {
            const engine::fault_scope faults{fault_decision::decide, &decision_};
            work_();
        }
    }

    Work& work_;
    const fault_options& options_;
    fault_decision decision_{options_};
    failing_upstream upstream_{decision_};
    measured_work<Heap> measured_;
    std::map<call_stack, std::int64_t> live_;
    std::exception_ptr unexpected_;
    guarded_work guarded_{*this};
};

} // namespace detail

/// Runs the work once for each of its allocations, which fails, and once more. Throws what the work throws when nothing
/// fails, and `usage_error` when the options admit nothing.
template <heap_source Heap, class Work>
[[nodiscard]] fault_report fail_each_allocation(Work work, const fault_options& options = {}) {
    return detail::fault_runner<Heap, Work>{work, options}.each();
}

/// Runs the work `runs` times; each allocation fails with this probability. The generator of run i is seeded with
/// `seed` + i, so that a finding can be had again.
template <heap_source Heap, class Work>
[[nodiscard]] fault_report fail_at_random(std::size_t runs, double probability, std::uint64_t seed, Work work,
                                          const fault_options& options = {}) {
    return detail::fault_runner<Heap, Work>{work, options}.at_random(runs, probability, seed);
}

} // namespace peakscope::testing
