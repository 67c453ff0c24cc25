// SPDX-License-Identifier: MIT
// The JSON backend for test programs whose output a script reads; json_report.cpp is compiled once for all of them.
#pragma once

#include <peakscope/core/report.hpp>

struct json_report {
    static constexpr const char* name = "json";
    void operator()(const peakscope::memory_report& report) const;
};
