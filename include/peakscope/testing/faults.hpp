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

#include <peakscope/core/body.hpp>
#include <peakscope/core/concepts.hpp>
#include <peakscope/heap/resource.hpp>
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
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string text() const;

    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static const char* name(fault_kind kind) noexcept;
};

namespace detail {

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
    detail::measured_work<Heap> measured;
    return detail::each_fault(measured, detail::resource_of(measured), detail::any_work_of<Heap>(work), options);
}

/// Runs the work `runs` times; each allocation fails with this probability. The generator of run i is seeded with
/// `seed` + i, so that a finding can be had again.
template <heap_source Heap, class Work>
[[nodiscard]] fault_report fail_at_random(std::size_t runs, double probability, std::uint64_t seed, Work work,
                                          const fault_options& options = {}) {
    detail::measured_work<Heap> measured;
    return detail::random_faults(measured, detail::resource_of(measured), detail::any_work_of<Heap>(work), options,
                                 runs, probability, seed);
}

} // namespace peakscope::testing
