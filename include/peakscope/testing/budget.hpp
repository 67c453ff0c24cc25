// SPDX-License-Identifier: MIT
// Budgets: limits on what a report says, as values or as types.
//
//     using namespace peakscope::testing;
//     const budget limits{.whole = {.heap_peak = 4_MiB, .leaked_blocks = 0},
//                         .phases = {{"rendering", {.heap_peak_delta = 2_MiB}}},
//                         .per_item = {.heap_delta = 32_KiB}};
//     require(report, limits);                                  // throws budget_error, with every limit that is broken
//
//     using Limits = budget_for<BuildPhases, heap_peak<4_MiB>, in_phase<"rendering", heap_peak_delta<2_MiB>>>;
//     using Memory = peakscope::profiler<BuildPhases, Heap, Rss, enforce<Limits>>;       // finish() throws
//
// A limit on a figure that the report does not have is broken: a source that cannot know it, a phase that was never
// entered, a label that nobody used. A figure that is not exact is compared as it stands, and the message says how far
// it can be trusted.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/byte_count.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/fixed_string.hpp>
#include <peakscope/core/precision.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/testing/limits.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace peakscope::testing {

/// A limit that is broken.
struct violation {
    std::string what{};                   ///< "heap peak of phase 'rendering'"
    std::int64_t limit = 0;               ///< bytes, or blocks
    std::optional<std::int64_t> actual{}; ///< empty where the report does not have the figure
    precision of_actual = unavailable;
    std::string message{}; ///< all of it for a person: several lines, the last without a line end
};

/// `what()` has the messages of all violations.
class budget_error : public error {
  public:
    PEAKSCOPE_BODY_ELSEWHERE explicit budget_error(std::vector<violation> all);
    [[nodiscard]] const std::vector<violation>& violations() const noexcept { return violations_; }

  private:
    std::vector<violation> violations_;
};

/// The limits that the report breaks; none, if it keeps them all.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<violation> check(const memory_report& report, const budget& limits);

/// Throws `budget_error` if the report breaks a limit.
PEAKSCOPE_BODY_ELSEWHERE void require(const memory_report& report, const budget& limits);

// Limits as types. Each is applied to a `limits`; those of a phase, a label or an item hold several.
template <auto Member, auto Limit>
struct limit_on {
    static void apply(limits& to) { to.*Member = Limit; }
};
template <bytes Limit>
using heap_delta = limit_on<&limits::heap_delta, Limit>;
template <bytes Limit>
using heap_peak = limit_on<&limits::heap_peak, Limit>;
template <bytes Limit>
using heap_peak_delta = limit_on<&limits::heap_peak_delta, Limit>;
template <bytes Limit>
using rss_delta = limit_on<&limits::rss_delta, Limit>;
template <bytes Limit>
using rss_peak = limit_on<&limits::rss_peak, Limit>;
template <bytes Limit>
using rss_peak_delta = limit_on<&limits::rss_peak_delta, Limit>;
template <bytes Limit>
using allocated = limit_on<&limits::allocated, Limit>;
template <std::uint64_t Limit>
using allocations = limit_on<&limits::allocations, Limit>;
template <std::uint64_t Limit>
using leaked_blocks = limit_on<&limits::leaked_blocks, Limit>;

template <fixed_string Name, class... Limits>
struct in_phase {
    template <class Phases>
    static void apply(budget& to) {
        limits& of = to.phases[Phases::info(Phases::template index_of<Name>).path];
        (Limits::apply(of), ...);
    }
};
template <fixed_string Name, class... Limits>
struct for_label {
    template <class Phases>
    static void apply(budget& to) {
        limits& of = to.labels[Name.c_str()];
        (Limits::apply(of), ...);
    }
};
template <class... Limits>
struct per_item {
    template <class Phases>
    static void apply(budget& to) {
        (Limits::apply(to.per_item), ...);
    }
};

/// A budget as a type. A phase that the list does not have does not compile.
template <class Phases, class... Limits>
struct budget_for {
    [[nodiscard]] static budget value() {
        budget made;
        const auto apply = [&]<class Limit>() {
            if constexpr (requires { Limit::apply(made.whole); })
                Limit::apply(made.whole);
            else
                Limit::template apply<Phases>(made);
        };
        (apply.template operator()<Limits>(), ...);
        return made;
    }
};

/// A report backend that shows nothing and throws `budget_error`: with it, `finish` throws where a limit is broken. In
/// a report::tee it stands behind those that show the report.
template <class Budget>
struct enforce {
    static constexpr const char* name = "budget";
    void operator()(const memory_report& report) const { require(report, Budget::value()); }
};

} // namespace peakscope::testing
