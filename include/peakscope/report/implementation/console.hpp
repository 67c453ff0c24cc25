// SPDX-License-Identifier: MIT
// The bodies of report/console.hpp.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/report/destination.hpp>
#include <peakscope/report/implementation/console_writer.hpp>

#include <string>
#include <utility>

namespace peakscope::report {

console::console(destination where, console_limits limits) : where_(std::move(where)), limits_(limits) {}

std::string console::text(const memory_report& report, bool colour, const console_limits& limits) {
    console_limits known = limits;
    if (known.width == 0) known.width = 100;
    return detail::console_writer{report, colour, known}.text();
}

void console::operator()(const memory_report& report) const {
    console_limits limits = limits_;
    if (limits.width == 0) limits.width = where_.columns();
    where_.write(text(report, where_.wants_colour(), limits));
}

} // namespace peakscope::report
