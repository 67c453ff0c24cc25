// SPDX-License-Identifier: MIT
// Text in columns, aligned by what a terminal shows and not by bytes.
#pragma once

#include <peakscope/core/body.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace peakscope::report {

/// How many columns of a terminal a UTF-8 text takes.
PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::size_t display_width(std::string_view text) noexcept;

/// Rows of cells. The first column is set flush left, the others flush right; each is as wide as its widest cell. What
/// stands in `tail` follows the row unaligned.
class text_table {
  public:
    struct row {
        std::vector<std::string> cells;
        std::string tail{};
    };

    PEAKSCOPE_BODY_ELSEWHERE void add(row added);

    /// One line a row, without the line end.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::vector<std::string> lines() const;

  private:
    std::vector<row> rows_;
};

} // namespace peakscope::report
