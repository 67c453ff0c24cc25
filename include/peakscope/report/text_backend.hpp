// SPDX-License-Identifier: MIT
// What backends have in common that make a text of a report: where it goes.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/report/destination.hpp>

#include <utility>

namespace peakscope::report {

/// The base of a `Backend` with a static function `text(report)`. Writing throws `write_error`.
template <class Backend>
class text_backend {
  public:
    void operator()(const memory_report& report) const { where_.write(Backend::text(report)); }

  private:
    friend Backend;

    /// To PEAKSCOPE_OUT or standard error.
    text_backend() = default;
    explicit text_backend(destination where) : where_(std::move(where)) {}

    destination where_;
};

} // namespace peakscope::report
