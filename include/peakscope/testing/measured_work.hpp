// SPDX-License-Identifier: MIT
// Runs of the same work in one measurement of a heap source, without a profiler: for tests that need to know what each
// run left behind, and where it came from.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/body.hpp>
#include <peakscope/core/concepts.hpp>
#include <peakscope/core/report.hpp>

#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace peakscope::testing::detail {

using call_stack = std::vector<std::uintptr_t>;

// Work without its type, which allocates nothing. Work that takes an argument gets the source: a heap::resource to
// allocate from.
struct any_work {
    void* of = nullptr;
    void (*call)(void* of, void* source) = nullptr;
};
template <class Heap, class Work>
[[nodiscard]] any_work any_work_of(Work& work) noexcept {
    return {&work, [](void* of, void* source) {
                if constexpr (std::invocable<Work&, Heap&>)
                    (*static_cast<Work*>(of))(*static_cast<Heap*>(source));
                else
                    (*static_cast<Work*>(of))();
            }};
}

PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::map<call_stack, std::int64_t> live_of(const attribution& of);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::map<call_stack, std::string> places_of(const attribution& of,
                                                                                   const named_stacks& names);

// The measurement without the type of its source.
class measured_runs {
  public:
    measured_runs() = default;
    virtual ~measured_runs() = default;
    measured_runs(const measured_runs&) = delete;
    measured_runs& operator=(const measured_runs&) = delete;

    /// What the work throws comes through.
    [[nodiscard]] virtual heap_figures run(const any_work& work) = 0;
    /// What lives of each call stack, in bytes; empty for sources that know none.
    [[nodiscard]] virtual std::map<call_stack, std::int64_t> live_by_stack() = 0;
    /// The place of each stack there was at the last `live_by_stack`: "parser.cpp:12  parse".
    [[nodiscard]] virtual std::map<call_stack, std::string> places() const = 0;
    /// Calls `then`; what it allocates is the profiler's own memory.
    virtual void as_profilers(void (*then)(void* of), void* of) = 0;
    [[nodiscard]] virtual const char* source_name() const noexcept = 0;

    template <class Then>
    void as_profilers(Then then) {
        as_profilers([](void* of) { (*static_cast<Then*>(of))(); }, &then);
    }
};

template <heap_source Heap>
class measured_work final : public measured_runs {
    static constexpr bool by_site = attributes_memory<Heap>;

  public:
    /// What is allocated in the scope of one is the profiler's own memory.
    using own_memory = typename Heap::own_memory;

    measured_work() {
        {
            [[maybe_unused]] const own_memory profilers;
            source_.open();
        }
        source_.settle();
        if constexpr (by_site) {
            {
                [[maybe_unused]] const own_memory profilers;
                source_.attribute(1, 1);
            }
            source_.enter(whole_, nullptr, 0);
        } else {
            source_.enter(whole_, nullptr);
        }
    }
    ~measured_work() override {
        static_cast<void>(source_.leave(whole_, nullptr));
        source_.close();
    }
    measured_work(const measured_work&) = delete;
    measured_work& operator=(const measured_work&) = delete;

    [[nodiscard]] heap_figures run(const any_work& work) override {
        typename Heap::window inner;
        if constexpr (by_site)
            source_.enter(inner, &whole_, 1);
        else
            source_.enter(inner, &whole_);
        try {
            work.call(work.of, &source_);
        } catch (...) {
            static_cast<void>(source_.leave(inner, &whole_));
            throw;
        }
        return source_.leave(inner, &whole_);
    }
    [[nodiscard]] Heap& source() noexcept { return source_; }

    [[nodiscard]] std::map<call_stack, std::int64_t> live_by_stack() override {
        if constexpr (by_site) {
            attribution_ = source_.attributed();
            return live_of(attribution_);
        } else {
            return {};
        }
    }
    [[nodiscard]] std::map<call_stack, std::string> places() const override {
        if constexpr (by_site)
            return places_of(attribution_, source_.named(attribution_));
        else
            return {};
    }
    void as_profilers(void (*then)(void* of), void* of) override {
        [[maybe_unused]] const own_memory profilers;
        then(of);
    }
    [[nodiscard]] const char* source_name() const noexcept override { return Heap::name; }

  private:
    Heap source_;
    typename Heap::window whole_;
    attribution attribution_;
};

} // namespace peakscope::testing::detail
