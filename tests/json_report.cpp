// SPDX-License-Identifier: MIT
#include "json_report.hpp"

#include <peakscope/report/json.hpp>

void json_report::operator()(const peakscope::memory_report& report) const {
    peakscope::report::json{peakscope::report::destination::standard_output()}(report);
}
