// SPDX-License-Identifier: MIT
// Several backends as one:  report::tee<report::console, report::json>
#pragma once

#include <peakscope/core/concepts.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/destination.hpp>
#include <peakscope/report/fwd.hpp>

#include <exception>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace peakscope::report {

/// Hands the report to each backend in turn. One that throws does not keep it from the others; the first exception is
/// thrown when all have had it. Of those that name no destination the first has the default one, and each other one a
/// file of its own; see `destination`.
template <class... Backends>
class tee {
    static_assert((report_backend<Backends> && ...), "peakscope: every argument of tee must satisfy report_backend");

  public:
    static constexpr const char* name = "tee";

    tee() = default;
    explicit tee(Backends... backends)
        requires(sizeof...(Backends) > 0)
        : backends_(std::move(backends)...) {}

    void operator()(const memory_report& report) const {
        hand_to_each([&](const auto& backend) { backend(report); });
    }
    /// The same for those of that name alone. False when there is none.
    bool only(std::string_view wanted, const memory_report& report) const {
        bool found = false;
        hand_to_each([&]<class Backend>(const Backend& backend) {
            if constexpr (chooses_by_name<Backend>) {
                found = backend.only(wanted, report) || found;
            } else if (wanted == Backend::name) {
                found = true;
                backend(report);
            }
        });
        return found;
    }

    /// Of the backends, in order: "console, json".
    [[nodiscard]] static std::string names() {
        std::string all;
        ((all += (all.empty() ? "" : ", ") + names_of_backend<Backends>()), ...);
        return all;
    }

  private:
    template <class Hand>
    void hand_to_each(Hand hand) const {
        std::exception_ptr first_failure;
        detail::sharing turns;
        const auto hand_to = [&](const auto& backend) {
            turns.next(std::decay_t<decltype(backend)>::name);
            try {
                hand(backend);
            } catch (...) {
                if (!first_failure) first_failure = std::current_exception();
            }
        };
        std::apply([&](const auto&... backend) { (hand_to(backend), ...); }, backends_);
        if (first_failure) std::rethrow_exception(first_failure);
    }

    std::tuple<Backends...> backends_{};
};

} // namespace peakscope::report
