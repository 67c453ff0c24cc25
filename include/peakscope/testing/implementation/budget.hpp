// SPDX-License-Identifier: MIT
// The bodies of testing/budget.hpp and testing/limits.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/heap/ignoring.hpp>
#include <peakscope/report/site_lines.hpp>
#include <peakscope/testing/budget.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

struct limits_by_name::map : std::map<std::string, limits> {};

limits_by_name::limits_by_name(std::initializer_list<named> all) : all_(new map) {
    for (const named& each : all)
        all_->emplace(each.name.characters, each.of);
}
limits_by_name::limits_by_name(const limits_by_name& other)
    : all_(other.all_ != nullptr ? new map{*other.all_} : nullptr) {}
limits_by_name& limits_by_name::operator=(const limits_by_name& other) {
    limits_by_name copy{other};
    std::swap(all_, copy.all_);
    return *this;
}
limits_by_name::~limits_by_name() { delete all_; }

limits& limits_by_name::operator[](text name) {
    if (all_ == nullptr) all_ = new map;
    return (*all_)[name.characters];
}

namespace detail {

class budget_check {
  public:
    explicit budget_check(const memory_report& report) : report_(report) {}

    void run(const budget& all) {
        window(all.whole, "", report_.heap, report_.rss, lines_of(), 1);
        for_each(all.phases, [&](const std::string& name, const limits& limit) { phase(name, limit); });
        for_each(all.labels, [&](const std::string& name, const limits& limit) { label(name, limit); });
        items(all.per_item);
    }
    [[nodiscard]] std::vector<violation> take() { return std::move(found_); }

  private:
    enum class weighed_by { at_peak, delta, allocated, allocations, blocks };
    struct scope {
        std::string of; // " of phase 'x'"
        std::vector<report::site_line> lines;
        std::int64_t divisor;
    };

    // Who may be named: nobody allocates in a window what was there before.
    template <class... Part>
    [[nodiscard]] std::vector<report::site_line> lines_of(const Part&... part) const {
        std::vector<report::site_line> lines = report::site_lines(report_, part...);
        std::erase_if(lines, [](const report::site_line& each) { return each.place == site_report::from_before; });
        return lines;
    }

    template <class Use>
    static void for_each(const limits_by_name& all, Use use) {
        if (all.all_ != nullptr)
            for (const auto& [name, limit] : *all.all_)
                use(name, limit);
    }

    void window(const limits& limit, const std::string& of, const heap_figures& heap, const rss_figures& rss,
                std::vector<report::site_line> lines, std::int64_t divisor) {
        const scope in{of, std::move(lines), divisor};
        const std::string no_heap = "the heap source '" + report_.heap_source + "' does not report it";
        const std::string no_rss = "the RSS source '" + report_.rss_source + "' does not report it";
        const auto above_start = [](const std::optional<bytes>& peak, const std::optional<bytes>& start) {
            return peak && start ? std::optional{*peak - *start} : std::nullopt;
        };
        check(in, "heap delta", limit.heap_delta, heap.delta, heap.totals_precision, no_heap, weighed_by::delta);
        check(in, "heap peak", limit.heap_peak, above_start(heap.peak, report_.heap.start), heap.peak_precision,
              no_heap, weighed_by::at_peak);
        check(in, "heap peak above its start", limit.heap_peak_delta, heap.peak_delta, heap.peak_precision, no_heap,
              weighed_by::at_peak);
        check(in, "RSS delta", limit.rss_delta, rss.delta, rss.totals_precision, no_rss, weighed_by::delta);
        check(in, "RSS peak", limit.rss_peak, above_start(rss.peak, report_.rss.start), rss.peak_precision, no_rss,
              weighed_by::at_peak);
        check(in, "RSS peak above its start", limit.rss_peak_delta, rss.peak_delta, rss.peak_precision, no_rss,
              weighed_by::at_peak);
        check(in, "allocated bytes", limit.allocated, heap.allocated, heap.totals_precision, no_heap,
              weighed_by::allocated);
        check_blocks(in, "allocations", limit.allocations, heap.allocations, heap.totals_precision, no_heap,
                     weighed_by::allocations);
        check_blocks(in, "leaked blocks", limit.leaked_blocks, leaked(heap), heap.totals_precision, no_heap,
                     weighed_by::blocks);
    }

    [[nodiscard]] static std::optional<std::uint64_t> leaked(const heap_figures& heap) {
        if (!heap.allocations || !heap.deallocations) return std::nullopt;
        return *heap.allocations - std::min(*heap.allocations, *heap.deallocations);
    }

    void phase(const std::string& name, const limits& limit) {
        try {
            const phase_report& found = report_.phase(name);
            if (found.entries == 0) return missing("the limits of phase '" + name + "': it was never entered");
            window(limit, " of phase '" + name + "'", found.heap, found.rss, lines_of(found), 1);
        } catch (const usage_error& none) {
            missing(std::string{"the limits of "} + none.what());
        }
    }

    void label(const std::string& name, const limits& limit) {
        const std::string of = " of label '" + name + "'";
        const auto found = std::ranges::find(report_.labels, name, &label_report::name);
        if (found == report_.labels.end()) {
            missing("the limits" + of + ": nothing was allocated under it, or the heap source tells no labels apart");
            return;
        }
        const scope in{of, {}, 1};
        const std::string no = "it is not known by label";
        const precision& flows = report_.heap.totals_precision;
        check(in, "heap delta", limit.heap_delta, found->delta_bytes, flows, no, weighed_by::delta);
        check(in, "heap peak", limit.heap_peak, found->peak_bytes, report_.heap.peak_precision, no,
              weighed_by::at_peak);
        check(in, "allocated bytes", limit.allocated, found->allocated_bytes, flows, no, weighed_by::allocated);
        check_blocks(in, "allocations", limit.allocations, found->allocations, flows, no, weighed_by::allocations);
        for (const auto& each : {limit.heap_peak_delta, limit.rss_delta, limit.rss_peak, limit.rss_peak_delta})
            check(in, "a figure", each, std::nullopt, unavailable, no, weighed_by::delta);
        check_blocks(in, "leaked blocks", limit.leaked_blocks, std::nullopt, unavailable, no, weighed_by::blocks);
    }

    void items(const limits& limit) {
        if (report_.items && report_.items->count > 0) {
            window(limit, " per " + report_.items->name, report_.heap, report_.rss, lines_of(),
                   bytes::of(report_.items->count).count);
            return;
        }
        const bool any = limit.heap_delta || limit.heap_peak || limit.heap_peak_delta || limit.rss_delta ||
                         limit.rss_peak || limit.rss_peak_delta || limit.allocated || limit.allocations ||
                         limit.leaked_blocks;
        if (any) missing("the limits per item: finish() was told no items");
    }

    void check(const scope& in, const char* figure, const std::optional<bytes>& limit,
               const std::optional<bytes>& actual, const precision& of, const std::string& why_missing, weighed_by by) {
        if (!limit) return;
        judge(in, figure, limit->count, actual ? std::optional{actual->count} : std::nullopt, of, why_missing, by,
              true);
    }
    void check_blocks(const scope& in, const char* figure, const std::optional<std::uint64_t>& limit,
                      const std::optional<std::uint64_t>& actual, const precision& of, const std::string& why_missing,
                      weighed_by by) {
        if (!limit) return;
        const auto number = [](std::uint64_t count) { return bytes::of(count).count; };
        judge(in, figure, number(*limit), actual ? std::optional{number(*actual)} : std::nullopt, of, why_missing, by,
              false);
    }

    void judge(const scope& in, const std::string& figure, std::int64_t limit, std::optional<std::int64_t> whole,
               precision of, const std::string& why_missing, weighed_by by, bool in_bytes) {
        violation broken{figure + in.of, limit, std::nullopt, of, {}};
        if (!whole) {
            broken.message =
                broken.what + ": n/a, so a limit of " + shown(limit, in_bytes) + " cannot be checked: " + why_missing;
            found_.push_back(std::move(broken));
            return;
        }
        const std::int64_t actual = rounded_up(*whole, in.divisor);
        if (actual <= limit) return;
        broken.actual = actual;
        of.bound = of.bound / in.divisor;
        broken.of_actual = of;
        broken.message = broken.what + ": " + shown(actual, in_bytes) + ", limit " + shown(limit, in_bytes) + ": " +
                         shown((bytes{actual} - bytes{limit}).count, in_bytes) + percent(actual, limit) +
                         " too much (" + format_precision(of) + ")" + top(in, by);
        found_.push_back(std::move(broken));
    }

    // Of one item: a budget is broken where the whole is more than the limit times the items.
    [[nodiscard]] static std::int64_t rounded_up(std::int64_t whole, std::int64_t divisor) {
        return whole / divisor + (whole % divisor > 0 ? 1 : 0);
    }
    // Budgets are compared with figures, so a figure that is shown differs from the limit that it breaks.
    [[nodiscard]] static std::string shown(std::int64_t value, bool in_bytes) {
        if (!in_bytes) return format_count(static_cast<std::uint64_t>(value));
        return format_bytes_exactly({value});
    }
    [[nodiscard]] static std::string percent(std::int64_t actual, std::int64_t limit) {
        if (limit <= 0) return "";
        return ", " + format_fixed(100 * (static_cast<double>(actual) / static_cast<double>(limit) - 1), 1) + " %,";
    }

    [[nodiscard]] static std::string top(const scope& in, weighed_by by) {
        const auto weight = [by](const site_amounts& of) -> std::int64_t {
            switch (by) {
            case weighed_by::at_peak:
                return of.at_peak_bytes.count;
            case weighed_by::delta:
                return of.delta_bytes.count;
            case weighed_by::allocated:
                return of.allocated_bytes.count;
            case weighed_by::allocations:
                return bytes::of(of.allocations).count;
            case weighed_by::blocks:
                break;
            }
            return of.delta_blocks;
        };
        constexpr std::size_t how_many = 3;
        std::string text;
        for (const report::site_line& line : report::largest_lines(in.lines, how_many, weight)) {
            const std::int64_t value = weight(line.amounts);
            const bool counts = by == weighed_by::allocations || by == weighed_by::blocks;
            text += "\n    " + (counts ? format_count(static_cast<std::uint64_t>(value)) : format_bytes({value})) +
                    "  " + line.place;
        }
        if (text.empty()) return "";
        const char* const head = by == weighed_by::at_peak ? "\n  the most of the heap at that peak:" : "\n  the most:";
        return head + text;
    }

    void missing(const std::string& text) { found_.push_back({text, 0, std::nullopt, unavailable, text}); }

    const memory_report& report_;
    std::vector<violation> found_{};
};

[[nodiscard]] std::string messages_of(const std::vector<violation>& all) {
    std::string lines;
    for (const violation& each : all)
        lines += (lines.empty() ? "" : "\n") + each.message;
    return lines;
}

bool keeps(const memory_report& report, const budget& all, void (*fail)(void* to, const char* message), void* to) {
    const heap::ignoring framework;
    const std::vector<violation> broken = check(report, all);
    for (const violation& each : broken)
        fail(to, each.message.c_str());
    return broken.empty();
}

const char* title_of(const memory_report& report) noexcept { return report.title.c_str(); }

} // namespace detail

budget_error::budget_error(std::vector<violation> all) : error(detail::messages_of(all)), violations_(std::move(all)) {}

std::vector<violation> check(const memory_report& report, const budget& limits) {
    detail::budget_check checked{report};
    checked.run(limits);
    return checked.take();
}

void require(const memory_report& report, const budget& limits) {
    if (auto broken = check(report, limits); !broken.empty()) throw budget_error(std::move(broken));
}

} // namespace peakscope::testing
