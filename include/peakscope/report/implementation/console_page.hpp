// SPDX-License-Identifier: MIT
// What the parts of the console report write on: lines, tables, and the marks of figures that are not exact.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/precision.hpp>
#include <peakscope/report/text_table.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peakscope::report::detail {

inline constexpr std::string_view not_known = "n/a";
inline constexpr const char* high_water_mark = "<- the high-water mark";
[[nodiscard]] inline std::string signed_or_na(const std::optional<bytes>& value) {
    return value ? format_signed_bytes(*value) : std::string{not_known};
}
[[nodiscard]] inline std::string plain_or_na(const std::optional<bytes>& value) {
    return value ? format_bytes(*value) : std::string{not_known};
}

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
    console_page(bool colour, std::size_t width) : style_{colour}, width_(width) {}

    [[nodiscard]] const style& styles() const noexcept { return style_; }
    [[nodiscard]] std::string take() { return std::move(text_); }

    // Broken between words where it is too wide: what follows is set in below it. A word that is wider than a line is
    // not broken.
    void line(std::string_view text) {
        const std::string content = printable(text);
        const std::size_t indent = std::min(content.find_first_not_of(' '), content.size());
        std::string current = content.substr(0, indent);
        const std::size_t empty = indent;
        bool begun = false;
        for (std::string_view rest = std::string_view{content}.substr(indent); !rest.empty();) {
            const std::size_t space = rest.find(' ');
            const std::size_t end = std::min(rest.find_first_not_of(' ', std::min(space, rest.size())), rest.size());
            const std::string_view word = rest.substr(0, std::min(space, rest.size()));
            if (begun && display_width(current) + display_width(word) > width_) {
                end_line(std::move(current));
                current = std::string(empty + 4, ' ');
            }
            begun = true;
            current += rest.substr(0, end);
            rest.remove_prefix(end);
        }
        end_line(std::move(current));
    }
    void plain_line(const std::string& content) { text_ += printable(content) + "\n"; }
    void bold_line(const std::string& content) { text_ += style_.bold(printable(content)) + "\n"; }

    void table_with_head(const text_table& table) {
        text_ += '\n';
        bool first = true;
        for (const std::string& each : fitted(table)) {
            if (std::exchange(first, false))
                bold_line(each);
            else if (const std::size_t at = each.find(high_water_mark); at != std::string::npos)
                text_ += each.substr(0, at) + style_.accent(each.substr(at)) + "\n";
            else
                text_ += each + "\n";
        }
    }
    [[nodiscard]] std::vector<std::string> fitted(const text_table& table) {
        text_table::fitted made = table.fit(width_);
        names_cut_ += made.names_cut;
        for (std::string& each : made.columns_left_out)
            columns_left_out_.insert("'" + std::move(each) + "'");
        return std::move(made.lines);
    }

    // What a reader does not see here: told at the end.
    void left_out(const std::string& what) { left_out_ += (left_out_.empty() ? "" : ", ") + what; }
    void left_out(std::size_t count, const std::string& one, const std::string& several) {
        if (count > 0) left_out(format_count(count) + " " + (count == 1 ? one : several));
    }
    [[nodiscard]] const std::string& all_left_out() {
        left_out(std::exchange(names_cut_, 0), "name's middle", "names' middles");
        for (const std::string& each : std::exchange(columns_left_out_, {}))
            left_out(each);
        return left_out_;
    }

    // A figure in a table has no room for its precision: a mark, and the legend below says what it means.
    [[nodiscard]] std::string marked(const std::string& figure, const precision& of) {
        if (of.kind == precision_kind::exact || figure == not_known || figure.empty()) return figure;
        (of.kind == precision_kind::sampled ? any_sampled_ : any_bounded_) = true;
        widest_bound_ = std::max(widest_bound_, of.bound);
        return "~" + figure;
    }

    [[nodiscard]] std::string with_error(const std::string& figure, const std::optional<bytes>& error) {
        return error ? figure + " ±" + format_bytes(*error) : figure;
    }
    // What the mark means; empty where there was none.
    [[nodiscard]] std::string meaning_of_mark() const {
        if (!any_bounded_ && !any_sampled_) return {};
        return "~ not exact" + (any_bounded_ ? ", within " + format_bytes(widest_bound_) + " or less" : "") +
               (any_bounded_ && any_sampled_ ? ", or sampled"
                : any_sampled_               ? ", but sampled"
                                             : "");
    }

  private:
    void end_line(std::string finished) {
        finished.erase(finished.find_last_not_of(' ') + 1);
        text_ += finished + "\n";
    }

    style style_;
    std::size_t width_;
    std::string text_{};
    std::string left_out_{};
    std::set<std::string> columns_left_out_{};
    std::size_t names_cut_ = 0;
    bool any_bounded_ = false;
    bool any_sampled_ = false;
    bytes widest_bound_{};
};

} // namespace peakscope::report::detail
