// SPDX-License-Identifier: MIT
// Injected failures: what does the program do when there is no memory?
//
//     #include <peakscope/sites/frames.hpp>
//     #include <peakscope/sites/libbacktrace.hpp>
//     using Heap = peakscope::heap::counting<peakscope::sites::frames<8>>;
//     const auto report = peakscope::testing::fail_each_allocation<Heap>([] { parse(text); }, {.isolated = true});
//     CHECK_MESSAGE(report.ok(), report.text());
//
// The work runs again and again. Its first allocation fails, then its second, and so on, until it gets through without
// any failing: with std::bad_alloc, a null pointer or ENOMEM, by the form of the call. Each time the work may throw or
// not, but it must not leave memory behind, must not crash (which is noticed only if it is `isolated` in a child
// process), and must keep what `promise` asks for: the strong exception guarantee, for example. It runs on the calling
// thread, and only allocations of that thread fail.
//
// Works under the sources over the counting engine: with `malloc_counting`, malloc, calloc and realloc fail as well.
// With heap::resource the work is given the resource, and what is allocated from it fails, and nothing else.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/concepts.hpp>
#include <peakscope/heap/resource.hpp>
#include <peakscope/sites/fwd.hpp>
#include <peakscope/sites/stack.hpp>
#include <peakscope/testing/child_process.hpp>
#include <peakscope/testing/measured_work.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace peakscope::testing {

/// Which allocations may fail: all that every member admits.
struct fault_options {
    std::size_t least_bytes = 0;
    std::size_t most_bytes = std::numeric_limits<std::size_t>::max();
    std::string label{}; ///< only under this label
    std::string site{};  ///< only where the place, as reports show it, holds this text; needs a site policy

    std::size_t warm_up = 1;             ///< runs before these, in which nothing fails: what is set up once is no leak
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
    std::size_t number = 0; ///< of the allocation that failed first, from 1; of `fail_at_random`, of the run
    std::string place{};    ///< where it was: "parser.cpp:12  parse"; empty without a site policy
    std::string detail{};   ///< of a leak: "56 B, allocated at parser.cpp:12  parse"
    std::size_t times = 1;  ///< of a leak: so many failures leave memory of the same line behind; each of them is a
                            ///< finding of `fail_at_random`
};

struct fault_report {
    std::size_t attempts = 0; ///< in which an allocation failed
    std::vector<fault_finding> findings{};
    std::optional<std::uint64_t> seed{}; ///< of `fail_at_random`
    bool gave_up = false;                ///< `most_attempts` were not enough

    [[nodiscard]] bool ok() const noexcept { return findings.empty() && !gave_up; }

    /// Several lines for a person.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string text() const;

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static const char* name(fault_kind kind) noexcept;
};

namespace detail {

// The same source with stacks that are deep enough for the user's own line where nothing is inlined.
template <class Option>
struct deep {
    using type = Option;
};
template <std::size_t Frames, class Symboliser>
struct deep<sites::frames<Frames, Symboliser>> {
    using type = sites::frames<sites::most_frames, Symboliser>;
};
template <std::size_t Frames, class Symboliser>
struct deep<sites::unwind<Frames, Symboliser>> {
    using type = sites::unwind<sites::most_frames, Symboliser>;
};
template <class Heap>
struct with_deep_stacks {
    using type = Heap;
};
template <template <class...> class Source, class... Options>
    requires heap_source<Source<typename deep<Options>::type...>>
struct with_deep_stacks<Source<Options...>> {
    using type = Source<typename deep<Options>::type...>;
};

// `resource` is the source where the work allocates from it and nothing else fails; else it is null.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] fault_report each_fault(measured_runs& measured, heap::resource* resource,
                                                               const any_work& work, const fault_options& options);
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] fault_report random_faults(measured_runs& measured, heap::resource* resource,
                                                                  const any_work& work, const fault_options& options,
                                                                  std::size_t runs, double probability,
                                                                  std::uint64_t seed);

template <class Heap>
[[nodiscard]] heap::resource* resource_of(measured_work<Heap>& measured) noexcept {
    if constexpr (std::derived_from<Heap, heap::resource>)
        return &measured.source();
    else
        return nullptr;
}

} // namespace detail

/// Runs the work once for each of its allocations, which fails, and once more. Throws what the work throws when nothing
/// fails, and `usage_error` when the options admit nothing.
template <heap_source Heap, class Work>
[[nodiscard]] fault_report fail_each_allocation(Work work, const fault_options& options = {}) {
    detail::measured_work<typename detail::with_deep_stacks<Heap>::type> measured;
    return detail::each_fault(measured, detail::resource_of(measured), detail::any_work_of<Heap>(work), options);
}

/// Runs the work `runs` times; each allocation fails with this probability. The generator of run i is seeded with
/// `seed` + i, so that a finding can be reproduced.
template <heap_source Heap, class Work>
[[nodiscard]] fault_report fail_at_random(std::size_t runs, double probability, std::uint64_t seed, Work work,
                                          const fault_options& options = {}) {
    detail::measured_work<typename detail::with_deep_stacks<Heap>::type> measured;
    return detail::random_faults(measured, detail::resource_of(measured), detail::any_work_of<Heap>(work), options,
                                 runs, probability, seed);
}

} // namespace peakscope::testing
