// SPDX-License-Identifier: MIT
// The bodies of testing/compare.hpp.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/site_lines.hpp>
#include <peakscope/testing/compare.hpp>
#include <peakscope/testing/implementation/figures.hpp>
#include <peakscope/testing/implementation/statistics.hpp>

#include <boost/hana/for_each.hpp>
#include <boost/hana/tuple.hpp>
#include <range/v3/algorithm/find.hpp>
#include <range/v3/algorithm/generate.hpp>
#include <range/v3/algorithm/sort.hpp>
#include <range/v3/algorithm/stable_sort.hpp>
#include <range/v3/range/conversion.hpp>
#include <range/v3/view/transform.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace peakscope::testing {

namespace detail {

struct compared_value {
    std::optional<double> value{};
    precision of{};
};

// A figure of a window, and the precision that it has.
template <class Figures, class Value>
struct compared_member {
    const char* name;
    std::optional<Value> Figures::* value;
    precision Figures::* of;
    static constexpr bool in_bytes = std::is_same_v<Value, bytes>;
};
template <class Figures>
inline constexpr auto compared = nullptr;
template <>
inline constexpr auto compared<heap_figures> = boost::hana::make_tuple(
    compared_member{"heap delta", &heap_figures::delta, &heap_figures::totals_precision},
    compared_member{"heap peak", &heap_figures::peak_delta, &heap_figures::peak_precision},
    compared_member{"allocated", &heap_figures::allocated, &heap_figures::totals_precision},
    compared_member{"allocations", &heap_figures::allocations, &heap_figures::totals_precision});
template <>
inline constexpr auto compared<rss_figures> =
    boost::hana::make_tuple(compared_member{"RSS delta", &rss_figures::delta, &rss_figures::totals_precision},
                            compared_member{"RSS peak", &rss_figures::peak_delta, &rss_figures::peak_precision});

class comparer {
  public:
    comparer(const std::vector<memory_report>& baseline, const std::vector<memory_report>& current,
             const compare_options& options)
        : baseline_(baseline), current_(current), options_(options) {
        check_comparable();
    }

    [[nodiscard]] comparison run() {
        made_.title = current_.front().title;
        made_.baseline_count = baseline_.size();
        made_.current_count = current_.size();
        made_.options = options_;
        window<memory_report>("", [](const memory_report& of) { return &of; });
        for (const std::string& path : names(&memory_report::phases, &phase_report::path))
            window<phase_report>(" of " + path, [&](const memory_report& of) {
                const phase_report* const found = of.find_phase(path);
                return found != nullptr && found->path == path && found->entries > 0 ? found : nullptr;
            });
        for (const std::string& name : names(&memory_report::labels, &label_report::name))
            add("peak of label " + name, true, options_.least_heap, [&](const memory_report& of) -> compared_value {
                const auto found = ranges::find(of.labels, name, &label_report::name);
                if (found == of.labels.end()) return {};
                return {static_cast<double>(found->peak_bytes.count), of.heap.peak_precision};
            });
        sites();
        return std::move(made_);
    }

  private:
    void check_comparable() const {
        if (baseline_.empty() || current_.empty())
            throw compare_error("there is nothing to compare: one side has no report");
        const memory_report& first = baseline_.front();
        for (const auto* side : {&baseline_, &current_})
            for (const memory_report& each : *side) {
                differ("the heap source", first.heap_source, each.heap_source);
                differ("what the heap counts", first.heap_unit, each.heap_unit);
                differ("the RSS source", first.rss_source, each.rss_source);
                const auto items = [](const memory_report& of) {
                    return of.items ? std::to_string(of.items->count) + " " + of.items->name : std::string{"none"};
                };
                differ("the number of items", items(first), items(each));
            }
    }
    static void differ(const std::string& what, const std::string& one, const std::string& other) {
        if (one != other)
            throw compare_error("these reports are not of the same work: " + what + " is '" + one + "' in one and '" +
                                other + "' in another");
    }

    // The names on either side, in the order of the first report that has them.
    template <class List, class Name>
    [[nodiscard]] std::vector<std::string> names(List memory_report::* list, Name name) const {
        std::vector<std::string> all;
        std::set<std::string> known;
        for (const auto* side : {&current_, &baseline_})
            for (const memory_report& report : *side)
                for (const auto& each : report.*list)
                    if (known.insert(each.*name).second) all.push_back(each.*name);
        return all;
    }

    // `part_of(report)` is what has the figures: the report itself, one of its phases, or null.
    template <class Part, class PartOf>
    void window(const std::string& of, const PartOf& part_of) {
        add_each(&Part::heap, options_.least_heap, of, part_of);
        add_each(&Part::rss, options_.least_rss, of, part_of);
    }
    template <class Part, class Figures, class PartOf>
    void add_each(Figures Part::* all, bytes least, const std::string& of, const PartOf& part_of) {
        boost::hana::for_each(compared<Figures>, [&](const auto& each) {
            add(each.name + of, each.in_bytes, each.in_bytes ? least : bytes{},
                [&](const memory_report& report) -> compared_value {
                    const Part* const part = part_of(report);
                    if (part == nullptr) return {};
                    return {figures::number(part->*all.*each.value), part->*all.*each.of};
                });
        });
    }

    // A figure that neither side has is left out.
    template <class Get>
    void add(const std::string& what, bool in_bytes, bytes least, const Get& get) {
        figure_change change{what, in_bytes, {}, {}, 0, change_kind::unknown};
        double bound = 0;
        const std::vector<double> before = values(baseline_, get, bound);
        const std::vector<double> now = values(current_, get, bound);
        if (before.empty() && now.empty()) return;
        if (!before.empty()) change.baseline = median_of(before);
        if (!now.empty()) change.current = median_of(now);
        if (change.baseline && change.current) {
            change.noise = bound;
            const double difference = *change.current - *change.baseline;
            const double allowed =
                std::max({options_.tolerance * std::abs(*change.baseline), static_cast<double>(least.count), bound});
            const bool beyond = std::abs(difference) > allowed && !within_noise(before, now);
            change.kind = !beyond ? change_kind::same : difference > 0 ? change_kind::worse : change_kind::better;
        }
        made_.figures.push_back(std::move(change));
    }

    // Empty unless all reports of the side have the figure. Precisions of both sides add up.
    template <class Get>
    [[nodiscard]] static std::vector<double> values(const std::vector<memory_report>& side, const Get& get,
                                                    double& bound) {
        std::vector<double> all;
        double widest = 0;
        for (const memory_report& report : side) {
            const compared_value found = get(report);
            if (!found.value) return {};
            if (found.of.kind == precision_kind::bounded)
                widest = std::max(widest, static_cast<double>(found.of.bound.count));
            all.push_back(*found.value);
        }
        bound += widest;
        return all;
    }

    // Whether the bootstrap interval of the difference of the medians holds 0.
    [[nodiscard]] bool within_noise(const std::vector<double>& before, const std::vector<double>& now) const {
        if (before.size() < 3 || now.size() < 3) return false;
        constexpr std::size_t resamples = 2'000;
        std::mt19937_64 random{1};
        std::vector<double> differences(resamples);
        ranges::generate(differences, [&] {
            const double current = resampled_median(now, random);
            return current - resampled_median(before, random);
        });
        ranges::sort(differences);
        const auto cut = static_cast<std::size_t>((1 - options_.level) / 2 * static_cast<double>(resamples));
        return differences[cut] <= 0 && 0 <= differences[resamples - 1 - cut];
    }

    // Of the report in the middle, by heap peak.
    [[nodiscard]] static const memory_report& typical(const std::vector<memory_report>& side) {
        auto sorted = side | ranges::views::transform([](const memory_report& each) { return &each; }) |
                      ranges::to<std::vector>();
        ranges::stable_sort(sorted, ranges::less{}, [](const memory_report* each) { return each->heap.peak_delta; });
        return *sorted[sorted.size() / 2];
    }

    void sites() {
        std::map<std::string, site_change> changes;
        for (const report::site_line& line : report::site_lines(typical(baseline_)))
            changes[line.place].baseline_bytes = line.amounts.at_peak_bytes.count;
        for (const report::site_line& line : report::site_lines(typical(current_)))
            changes[line.place].current_bytes = line.amounts.at_peak_bytes.count;
        for (auto& [place, change] : changes) {
            change.place = place;
            if (change.current_bytes != change.baseline_bytes) made_.sites.push_back(change);
        }
        ranges::sort(made_.sites, ranges::less{}, [](const site_change& of) {
            return std::tuple{-(bytes{of.current_bytes} - bytes{of.baseline_bytes}).magnitude(),
                              std::string_view{of.place}};
        });
        if (made_.sites.size() > options_.sites) made_.sites.resize(options_.sites);
    }

    const std::vector<memory_report>& baseline_;
    const std::vector<memory_report>& current_;
    compare_options options_;
    comparison made_{};
};

} // namespace detail

comparison compare(const std::vector<memory_report>& baseline, const std::vector<memory_report>& current,
                   const compare_options& options) {
    return detail::comparer{baseline, current, options}.run();
}
comparison compare(const memory_report& baseline, const memory_report& current, const compare_options& options) {
    return compare(std::vector{baseline}, std::vector{current}, options);
}

} // namespace peakscope::testing
