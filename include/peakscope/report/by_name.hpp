// SPDX-License-Identifier: MIT
// A backend chosen when the program runs, for its own switch `--profile-memory=NAME`:
//
//     #include <peakscope/report/console.hpp>
//     #include <peakscope/report/markdown.hpp>
//
//     using backends = peakscope::report::by_name<peakscope::report::console, peakscope::report::markdown>;
//     backends{chosen, peakscope::report::to("build.md")}(memory.finish());
//
// `backends::names` is what the switch offers.
#pragma once

#include <peakscope/core/concepts.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/destination.hpp>
#include <peakscope/report/fwd.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace peakscope::report {

/// One of `Backends`, by its `name`. The profiler that it is used with has `report::none`, or the program would have
/// the report twice.
template <class... Backends>
class by_name {
    static_assert((report_backend<Backends> && ...),
                  "peakscope: every argument of by_name must satisfy report_backend");

  public:
    static constexpr const char* name = "by_name";
    /// What there is to choose from, in the order of the arguments.
    static constexpr std::array<const char*, sizeof...(Backends)> names{Backends::name...};

    /// A backend that writes nowhere is made without the destination. Throws `usage_error`, with the names there are,
    /// where none is called so.
    explicit by_name(std::string_view chosen, destination where = {}) : where_(std::move(where)) {
        const auto found = std::find(names.begin(), names.end(), chosen);
        if (found == names.end()) fail(chosen);
        chosen_ = static_cast<std::size_t>(found - names.begin());
    }

    /// Throws what the backend throws.
    void operator()(const memory_report& report) const {
        std::size_t number = 0;
        ((number++ == chosen_ ? hand_to<Backends>(report) : void()), ...);
    }

  private:
    [[noreturn]] static void fail(std::string_view chosen) {
        std::string text = "there is no report backend '" + std::string{chosen} + "'; there are";
        for (const char* each : names)
            text += (each == names.front() ? " " : ", ") + std::string{each};
        throw usage_error(text);
    }
    template <class Backend>
    void hand_to(const memory_report& report) const {
        if constexpr (std::is_constructible_v<Backend, destination>)
            Backend{where_}(report);
        else
            Backend{}(report);
    }

    std::size_t chosen_ = 0;
    destination where_;
};

} // namespace peakscope::report
