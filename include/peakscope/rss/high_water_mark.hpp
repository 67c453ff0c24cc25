// SPDX-License-Identifier: MIT
// A maximum that the system keeps since a time before the window, and that cannot be set back. When it has risen inside
// a window, it is that window's peak; when it has not, that peak is not known.
#pragma once

#include <peakscope/core/bytes.hpp>

#include <optional>

namespace peakscope::rss::detail {

class mark_in_window {
  public:
    void begin(const std::optional<bytes>& mark) noexcept { start_ = mark; }

    [[nodiscard]] std::optional<bytes> peak(const std::optional<bytes>& mark) const noexcept {
        return start_ && mark && *mark > *start_ ? mark : std::nullopt;
    }

  private:
    std::optional<bytes> start_{};
};

} // namespace peakscope::rss::detail
