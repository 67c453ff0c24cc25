// SPDX-License-Identifier: MIT
// Several backends as one:  report::tee<report::console, report::json>
#pragma once

#include <peakscope/core/concepts.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/fwd.hpp>

#include <exception>
#include <tuple>
#include <utility>

namespace peakscope::report {

/// Hands the report to each backend in turn. One that throws does not keep it from the others; the first exception is
/// thrown when all have had it.
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
        std::exception_ptr first_failure;
        const auto hand_to = [&](const auto& backend) {
            try {
                backend(report);
            } catch (...) {
                if (!first_failure) first_failure = std::current_exception();
            }
        };
        std::apply([&](const auto&... backend) { (hand_to(backend), ...); }, backends_);
        if (first_failure) std::rethrow_exception(first_failure);
    }

  private:
    std::tuple<Backends...> backends_;
};

} // namespace peakscope::report
