// SPDX-License-Identifier: MIT
// report::html: one page that shows the report in a browser: when memory was used and by which phase, what was alive
// at the peak as a flame graph, a table of sites, and where what was alive had been born. Needs nlohmann-json.
//
//     peakscope::report::html{"memory.html"}(report);
//
// The file is complete: it fetches nothing, and a policy in it forbids it to. It holds the report as
// report::json writes it, compressed, so its figures are those of the JSON. Browsers of 2023 and later show it.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/report/deflate.hpp>
#include <peakscope/report/html/page_css.hpp>
#include <peakscope/report/html/page_html.hpp>
#include <peakscope/report/html/page_js.hpp>
#include <peakscope/report/html/parts_css.hpp>
#include <peakscope/report/json.hpp>
#include <peakscope/report/text_backend.hpp>
#include <peakscope/report/text_table.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace peakscope::report {

namespace detail {

/// For text between tags and in quoted attributes.
inline std::string escaped_for_html(std::string_view text) {
    std::string made;
    for (const char each : printable(text))
        if (each == '&')
            made += "&amp;";
        else if (each == '<')
            made += "&lt;";
        else if (each == '>')
            made += "&gt;";
        else if (each == '"')
            made += "&quot;";
        else
            made += each;
    return made;
}

inline std::string in_page(const memory_report& report) { return base64(deflated(json::text(report))); }

/// The page with each "{{name}}" replaced.
inline std::string filled_page(std::initializer_list<std::pair<std::string_view, std::string_view>> parts) {
    std::string made;
    std::string_view rest = page_html;
    for (auto open = rest.find("{{"); open != rest.npos; open = rest.find("{{")) {
        const auto close = rest.find("}}", open);
        const std::string_view name = rest.substr(open + 2, close - open - 2);
        made += rest.substr(0, open);
        for (const auto& [each, text] : parts)
            if (each == name) made += text;
        rest.remove_prefix(close + 2);
    }
    return made += rest;
}

} // namespace detail

/// Writes the report as an HTML page. Throws `write_error`.
class html : public text_backend<html> {
  public:
    html() = default;
    explicit html(destination where) : text_backend(std::move(where)) {}

    static constexpr const char* name = "html";

    [[nodiscard]] static std::string text(const memory_report& report) {
        return page(report.title, detail::in_page(report), "");
    }
    /// What is different in `after`.
    [[nodiscard]] static std::string text(const memory_report& before, const memory_report& after) {
        return page(after.title, detail::in_page(after), detail::in_page(before));
    }

  private:
    static std::string page(std::string_view title, const std::string& report, const std::string& before) {
        std::string style{detail::page_css};
        style += detail::parts_css;
        std::string script;
        for (const std::string_view each : detail::page_js)
            script += each;
        return detail::filled_page({{"title", detail::escaped_for_html(title)},
                                    {"style", style},
                                    {"script", script},
                                    {"report", report},
                                    {"before", before}});
    }
};

} // namespace peakscope::report
