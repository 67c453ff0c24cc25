// SPDX-License-Identifier: MIT
// report::speedscope: call stacks as speedscope's file format: the measurement at its peak, at its end and by what it
// allocated, and each phase at its own peak, one profile each. Needs nlohmann-json.
//
//     npx speedscope build.json        # or drop it on https://www.speedscope.app; choose the profile at the top
//
// The weights of a profile are bytes, and their sum is the report's figure; stacks with no bytes, or less than none,
// are left out of it.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/report/fwd.hpp>
#include <peakscope/report/json_document.hpp>
#include <peakscope/report/numbered.hpp>
#include <peakscope/report/stack_samples.hpp>
#include <peakscope/report/text_backend.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace peakscope::report {

/// Writes the report's call stacks. Throws `write_error`.
class speedscope : public text_backend<speedscope> {
  public:
    speedscope() = default;
    explicit speedscope(destination where) : text_backend(std::move(where)) {}

    static constexpr const char* name = "speedscope";

    [[nodiscard]] static std::string text(const memory_report& report) {
        const detail::report_with_sites with_sites{report};
        using frame = std::tuple<std::string, std::string, std::uint32_t>;
        detail::numbered<frame> frames;
        std::vector<std::vector<std::size_t>> stacks; // of the sites, the outermost first
        for (const site_report& site : with_sites->sites) {
            std::vector<std::size_t>& stack = stacks.emplace_back();
            for (const stack_frame& each : detail::frames_of(site))
                stack.push_back(frames.number_of({detail::frame_name(each), each.file, each.line}));
            std::reverse(stack.begin(), stack.end());
        }
        std::string made;
        detail::json_document document{made};
        document.member("$schema", "https://www.speedscope.app/file-format-schema.json");
        document.member("exporter", "peakscope");
        document.member("name", report.title);
        document.member("activeProfileIndex", 0);
        auto rows = detail::ordered_json::array();
        for (const frame* each : frames.in_order()) {
            const auto& [function, file, line] = *each;
            auto& row = rows.emplace_back(detail::ordered_json{{"name", function}});
            if (!file.empty()) row["file"] = file;
            if (line > 0) row["line"] = line;
        }
        document.member("shared", {{"frames", std::move(rows)}});
        document.rows("profiles", [&](auto row) {
            detail::for_each_picture(*with_sites, [&](const std::string& title, const auto&, auto amounts_of) {
                row(profile(title, stacks, amounts_of));
            });
        });
        document.end();
        return made;
    }

  private:
    template <class AmountsOf>
    static detail::ordered_json profile(const std::string& title, const std::vector<std::vector<std::size_t>>& stacks,
                                        AmountsOf amounts_of) {
        auto samples = detail::ordered_json::array();
        auto weights = detail::ordered_json::array();
        bytes sum;
        amounts_of([&](std::size_t site, std::int64_t figure) {
            samples.push_back(stacks[site]);
            weights.push_back(figure);
            sum += bytes{figure};
        });
        return {{"type", "sampled"},
                {"name", title},
                {"unit", "bytes"},
                {"startValue", 0},
                {"endValue", sum.count},
                {"samples", std::move(samples)},
                {"weights", std::move(weights)}};
    }
};

} // namespace peakscope::report
