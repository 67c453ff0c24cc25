// SPDX-License-Identifier: MIT
// What the parts of the console report write on: lines, tables, and the marks of figures that are not exact.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/precision.hpp>
#include <peakscope/report/text_table.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace peakscope::report::detail {

inline constexpr std::string_view not_known = "n/a";

[[nodiscard]] inline std::string_view last_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// Terminal styles, or nothing.
struct style {
    bool on;
    [[nodiscard]] std::string bold(const std::string& text) const { return on ? "\x1b[1m" + text + "\x1b[0m" : text; }
    [[nodiscard]] std::string accent(const std::string& text) const {
        return on ? "\x1b[1;33m" + text + "\x1b[0m" : text;
    }
};

class console_page {
  public:
    explicit console_page(bool colour) : style_{colour} {}

    [[nodiscard]] const style& styles() const noexcept { return style_; }
    [[nodiscard]] std::string take() { return std::move(text_); }

    void line(const std::string& content) { text_ += content + "\n"; }

    void table_with_head(const text_table& table) {
        text_ += '\n';
        bool first = true;
        for (const std::string& each : table.lines())
            line(std::exchange(first, false) ? style_.bold(each) : each);
    }

    // A figure in a table has no room for its precision: a mark, and the legend below says what it means.
    [[nodiscard]] std::string marked(const std::string& figure, const precision& of) {
        if (of.kind == precision_kind::exact || figure == not_known || figure.empty()) return figure;
        any_inexact_ = true;
        widest_bound_ = std::max(widest_bound_, of.bound);
        return "~" + figure;
    }

    [[nodiscard]] std::string with_error(const std::string& figure, const std::optional<bytes>& error) {
        return error ? figure + " ±" + format_bytes(*error) : figure;
    }
    // Whether there was one, and the widest of their bounds.
    [[nodiscard]] bool any_inexact() const noexcept { return any_inexact_; }
    [[nodiscard]] bytes widest_bound() const noexcept { return widest_bound_; }

  private:
    style style_;
    std::string text_;
    bool any_inexact_ = false;
    bytes widest_bound_{};
};

} // namespace peakscope::report::detail
