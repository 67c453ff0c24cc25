// SPDX-License-Identifier: MIT
// report::dhat: call stacks in the format of valgrind's DHAT, version 2. Needs nlohmann-json.
//
//     xdg-open /usr/libexec/valgrind/dh_view.html        # of Debian's valgrind; then Load, and the file
//
// "Total" is what was allocated, "At t-gmax" what lived at the measurement's peak, "At t-end" what lived at its end
// beyond what lived at its start. The format asks for more than a report knows: as "Max" of a stack stands the larger
// of the two, and as lifetimes 0; the command says so. A stack that shrank has 0 at t-end.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/report/fwd.hpp>
#include <peakscope/report/json_document.hpp>
#include <peakscope/report/numbered.hpp>
#include <peakscope/report/stack_samples.hpp>
#include <peakscope/report/text_backend.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::report {

/// Writes the report's call stacks. Throws `write_error`.
class dhat : public text_backend<dhat> {
  public:
    dhat() = default;
    explicit dhat(destination where) : text_backend(std::move(where)) {}

    static constexpr const char* name = "dhat";

    [[nodiscard]] static std::string text(const memory_report& report) {
        const detail::report_with_sites with_sites{report};
        detail::numbered<std::string> frames;
        frames.number_of("[root]");
        std::string made;
        detail::json_document document{made};
        document.member("dhatFileVersion", 2);
        document.member("mode", "heap");
        document.member("verb", "Allocated");
        document.member("bklt", true);
        document.member("bkacc", false);
        document.member("tu", "ns");
        document.member("Mtu", "ms");
        document.member("tuth", 0);
        document.member("cmd", report.title + " (peakscope: Max is the larger of the figures at t-gmax and at t-end; "
                                              "lifetimes are not known)");
        document.member("pid", 0);
        document.member("tg", report.peak_at.value_or(std::chrono::nanoseconds{}).count());
        document.member("te", report.duration.count());
        document.table("pps", with_sites->sites, [&](const site_report& site) { return point(site, frames); });
        document.table("ftbl", frames.in_order(), [](const std::string* frame) { return *frame; });
        document.end();
        return made;
    }

  private:
    static detail::ordered_json point(const site_report& site, detail::numbered<std::string>& frames) {
        std::vector<std::size_t> stack;
        for (const stack_frame& each : detail::frames_of(site))
            stack.push_back(frames.number_of(frame_text(each)));
        const site_amounts& of = site.amounts;
        // The viewer knows no negative figures.
        const auto shown = [](std::int64_t figure) { return std::max<std::int64_t>(figure, 0); };
        const std::int64_t peak_bytes = shown(of.at_peak_bytes.count);
        const std::int64_t peak_blocks = shown(of.at_peak_blocks);
        const std::int64_t end_bytes = shown(of.delta_bytes.count);
        const std::int64_t end_blocks = shown(of.delta_blocks);
        return {{"tb", shown(of.allocated_bytes.count)},
                {"tbk", of.allocations},
                {"tl", 0},
                {"mb", std::max(peak_bytes, end_bytes)},
                {"mbk", std::max(peak_blocks, end_blocks)},
                {"gb", peak_bytes},
                {"gbk", peak_blocks},
                {"eb", end_bytes},
                {"ebk", end_blocks},
                {"fs", std::move(stack)}};
    }

    // "0x4005D0: render (src/page.cpp:12)"; the viewer shows it as it is.
    static std::string frame_text(const stack_frame& frame) {
        std::string address = detail::frame_name({.address = frame.address});
        if (frame.function.empty() && frame.file.empty()) return address;
        std::string text = frame.address != 0 ? address + ": " : std::string{};
        text += frame.function.empty() ? "???" : frame.function.view();
        if (!frame.file.empty())
            text += " (" + frame.file + (frame.line > 0 ? ":" + std::to_string(frame.line) : "") + ")";
        return text;
    }
};

} // namespace peakscope::report
