// SPDX-License-Identifier: MIT
// What the formats made of call stacks have in common: which figure of a site is shown, and how a frame is called.
#pragma once

#include <peakscope/core/report.hpp>

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peakscope::report {

/// A figure of a site, in bytes.
enum class site_figure : unsigned char {
    at_peak,  ///< what it held at the peak of the window
    live,     ///< what it held at the end of the window beyond what it held at the start; negative where it shrank
    allocated ///< what it allocated in the window
};

[[nodiscard]] constexpr std::int64_t figure_of(const site_amounts& amounts, site_figure which) noexcept {
    switch (which) {
    case site_figure::at_peak:
        return amounts.at_peak_bytes.count;
    case site_figure::live:
        return amounts.delta_bytes.count;
    case site_figure::allocated:
        break;
    }
    return amounts.allocated_bytes.count;
}

namespace detail {

[[nodiscard]] inline std::string frame_name(const stack_frame& frame) {
    if (!frame.function.empty()) return frame.function;
    if (!frame.file.empty()) return frame.file + ":" + std::to_string(frame.line);
    std::array<char, 16> digits; // NOLINT(cppcoreguidelines-pro-type-member-init)
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), frame.address, 16);
    return "0x" + std::string{digits.data(), end.ptr};
}

// The innermost frame first. A site without a stack has one frame, which says what it is.
[[nodiscard]] inline std::vector<stack_frame> frames_of(const site_report& site) {
    if (!site.stack.empty()) return site.stack;
    return {{site.function, site.file, site.line}};
}

// A report as these formats see it. Where the source does not tell sites apart, one stands for all, so that the totals
// are there in any case.
class report_with_sites {
  public:
    explicit report_with_sites(const memory_report& report) : report_(report) {
        if (!report.sites.empty() || !(report.heap.peak || report.heap.delta || report.heap.allocated)) return;
        site_report& all = with_one_.emplace(report).sites.emplace_back();
        all.function = "(not told apart by call stack)";
        all.amounts = amounts_of(report.heap);
        for (phase_report& each : with_one_->phases)
            if (each.entries > 0) each.sites = {{0, amounts_of(each.heap)}};
    }
    [[nodiscard]] const memory_report& operator*() const noexcept { return with_one_ ? *with_one_ : report_; }
    [[nodiscard]] const memory_report* operator->() const noexcept { return &**this; }

  private:
    [[nodiscard]] static site_amounts amounts_of(const heap_figures& heap) {
        site_amounts amounts;
        amounts.delta_bytes = heap.delta.value_or(bytes{});
        amounts.delta_blocks = static_cast<std::int64_t>(heap.allocations.value_or(0) - heap.deallocations.value_or(0));
        amounts.at_peak_bytes = heap.peak.value_or(bytes{});
        amounts.allocated_bytes = heap.allocated.value_or(bytes{});
        amounts.allocations = heap.allocations.value_or(0);
        return amounts;
    }

    const memory_report& report_;
    std::optional<memory_report> with_one_{};
};

// For each phase the number of the one it lies in, or the count of phases at the root.
[[nodiscard]] inline std::vector<std::size_t> parents_of(const std::vector<phase_report>& phases) {
    std::vector<std::size_t> parents(phases.size(), phases.size());
    for (std::size_t number = 0; number < phases.size(); ++number) {
        const std::string_view path{phases[number].path};
        const std::size_t end = path.rfind('/');
        if (end == std::string_view::npos) continue;
        for (std::size_t outer = 0; outer < number; ++outer) // a parent comes before its children
            if (phases[outer].path == path.substr(0, end)) parents[number] = outer;
    }
    return parents;
}

// The pictures that are made of call stacks: each(title, time, amounts_of) for each of them, and amounts_of(take) calls
// take(site, bytes) for each stack that has some. The time is when it was so, empty where that is not known.
template <class Each>
void for_each_picture(const memory_report& report, Each each) {
    const auto take_if_any = [](const site_amounts& amounts, site_figure figure, std::size_t site, auto& take) {
        if (const std::int64_t bytes = figure_of(amounts, figure); bytes > 0) take(site, bytes);
    };
    const auto of_measurement = [&](site_figure figure) {
        return [&, figure](auto take) {
            for (std::size_t site = 0; site < report.sites.size(); ++site)
                take_if_any(report.sites[site].amounts, figure, site, take);
        };
    };
    using time = std::optional<std::chrono::nanoseconds>;
    each("at the peak", report.peak_at, of_measurement(site_figure::at_peak));
    each("live at the end", time{report.duration}, of_measurement(site_figure::live));
    each("allocated", time{report.duration}, of_measurement(site_figure::allocated));
    for (const phase_report& phase : report.phases)
        if (phase.entries > 0)
            each("at the peak of " + phase.path, phase.peak_at, [&](auto take) {
                for (const phase_site_report& of : phase.sites)
                    take_if_any(of.amounts, site_figure::at_peak, of.site, take);
            });
}

} // namespace detail

} // namespace peakscope::report
