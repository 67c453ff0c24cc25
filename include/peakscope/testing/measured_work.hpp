// SPDX-License-Identifier: MIT
// Runs of the same work in one measurement of a heap source, without a profiler: for tests that need to know what each
// run left behind, and where it came from.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/concepts.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/profiler/implementation/attribute.hpp>
#include <peakscope/report/site_lines.hpp>

#include <cmath>
#include <concepts>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing::detail {

using call_stack = std::vector<std::uintptr_t>;

template <heap_source Heap>
class measured_work {
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
    ~measured_work() {
        static_cast<void>(source_.leave(whole_, nullptr));
        source_.close();
    }
    measured_work(const measured_work&) = delete;
    measured_work& operator=(const measured_work&) = delete;

    /// Work that takes an argument gets the source: a heap::resource to allocate from. What the work throws comes
    /// through.
    template <class Work>
    [[nodiscard]] heap_figures run(Work& work) {
        typename Heap::window inner;
        if constexpr (by_site)
            source_.enter(inner, &whole_, 1);
        else
            source_.enter(inner, &whole_);
        try {
            if constexpr (std::invocable<Work&, Heap&>)
                work(source_);
            else
                work();
        } catch (...) {
            static_cast<void>(source_.leave(inner, &whole_));
            throw;
        }
        return source_.leave(inner, &whole_);
    }
    [[nodiscard]] Heap& source() noexcept { return source_; }

    /// What lives of each call stack, in bytes; empty for sources that know none.
    [[nodiscard]] std::map<call_stack, std::int64_t> live_by_stack() {
        std::map<call_stack, std::int64_t> live;
        if constexpr (by_site) {
            attribution_ = source_.attributed();
            for (const attribution::window& window : attribution_.windows)
                for (const attributed_amounts& each : window.amounts)
                    if (const attributed_origin& from = attribution_.origins[each.origin];
                        from.stack != attributed_origin::no_stack)
                        live[attribution_.stacks[from.stack]] += std::llround(each.allocated_bytes - each.freed_bytes);
        }
        return live;
    }

    /// The place of each stack there was at the last `live_by_stack`: "parser.cpp:12  parse".
    [[nodiscard]] std::map<call_stack, std::string> places() const {
        std::map<call_stack, std::string> all;
        if constexpr (by_site) {
            const named_stacks names = source_.named(attribution_);
            for (std::size_t i = 0; i < attribution_.stacks.size() && i < names.stacks.size(); ++i)
                all.try_emplace(attribution_.stacks[i],
                                report::detail::place_of(profiler_detail::site_of(names.stacks[i], names.root)));
        }
        return all;
    }

  private:
    Heap source_;
    typename Heap::window whole_;
    attribution attribution_;
};

} // namespace peakscope::testing::detail
