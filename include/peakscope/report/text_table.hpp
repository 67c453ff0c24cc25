// SPDX-License-Identifier: MIT
// Text in columns, aligned by what a terminal shows and not by bytes.
#pragma once

#include <peakscope/core/body.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peakscope::report {

/// How many columns of a terminal a UTF-8 text takes.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::size_t display_width(std::string_view text) noexcept;

/// A text of at most `width` columns: what is too much is taken out of its middle, and "…" stands there.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string cut_in_the_middle(const std::string& text, std::size_t width);

/// A text that a terminal shows and does not obey: a control character, or a byte that is no UTF-8, is written as \x1b
/// is.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::string printable(std::string_view text);

/// Rows of cells, made printable. The first column is set flush left, the others flush right; each is as wide as its
/// widest cell. What stands in `tail` follows the row unaligned. A row of one cell is a heading inside the table, as
/// wide as the line.
class text_table {
  public:
    struct row {
        std::vector<std::string> cells;
        std::string tail{};
    };
    struct fitted {
        std::vector<std::string> lines{};
        std::vector<std::string> columns_left_out{}; ///< by what stands at their top
        std::size_t names_cut = 0;
    };

    PEAKSCOPE_BODY_ELSEWHERE void add(row added);

    /// Lets a column go where the table is too wide; the first one that was told so goes first. One that says little
    /// also goes to make room for a tail and for whole names.
    void may_go(std::size_t column, bool says_little = false) { may_go_.push_back({column, says_little}); }

    /// One line a row, or two, without the line ends; without columns that are empty below their top; at most `width`
    /// columns wide. Where that takes something, in this order: the gaps become narrower, what says little goes, a tail
    /// comes below its row, what may go goes while names have less than 24 columns, and names are cut in the middle.
    /// Figures are never cut.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] fitted fit(std::size_t width) const;

  private:
    std::vector<row> rows_{};
    std::vector<std::pair<std::size_t, bool>> may_go_{};
};

} // namespace peakscope::report
