// SPDX-License-Identifier: MIT
// Runs of the same work in one measurement of a heap source, without a profiler: for tests that need to know what each
// run left behind, and where it came from.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/concepts.hpp>
#include <peakscope/core/report.hpp>

#include <concepts>
#include <cstdint>
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

// The measurement without the type of its source.
class measured_runs {
  public:
    measured_runs() = default;
    virtual ~measured_runs() = default;
    measured_runs(const measured_runs&) = delete;
    measured_runs& operator=(const measured_runs&) = delete;

    /// What the work throws comes through.
    [[nodiscard]] virtual heap_figures run(const any_work& work) = 0;
    /// Who allocated up to now; empty for sources that do not know.
    [[nodiscard]] virtual attribution attributed() const = 0;
    [[nodiscard]] virtual named_stacks named(const attribution& of) const = 0;
    /// Calls `then`; what that allocates is the profiler's own memory, in no figure.
    virtual void uncounted(void (*then)(void* of), void* of) = 0;
    [[nodiscard]] virtual const char* source_name() const noexcept = 0;

    template <class Then>
    void uncounted(Then then) {
        uncounted([](void* of) { (*static_cast<Then*>(of))(); }, &then);
    }
};

template <heap_source Heap>
class measured_work final : public measured_runs {
    static constexpr bool by_site = attributes_memory<Heap>;
    // What is allocated in the scope of one is the profiler's own memory.
    using own_memory = typename Heap::own_memory;

  public:
    measured_work() {
        {
            [[maybe_unused]] const own_memory uncounted;
            source_.open();
        }
        source_.settle();
        if constexpr (by_site) {
            {
                [[maybe_unused]] const own_memory uncounted;
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

    [[nodiscard]] attribution attributed() const override {
        if constexpr (by_site)
            return source_.attributed();
        else
            return {};
    }
    [[nodiscard]] named_stacks named([[maybe_unused]] const attribution& of) const override {
        if constexpr (by_site)
            return source_.named(of);
        else
            return {};
    }
    void uncounted(void (*then)(void* of), void* of) override {
        [[maybe_unused]] const own_memory uncounted;
        then(of);
    }
    [[nodiscard]] const char* source_name() const noexcept override { return Heap::name; }

  private:
    Heap source_;
    typename Heap::window whole_;
};

} // namespace peakscope::testing::detail
