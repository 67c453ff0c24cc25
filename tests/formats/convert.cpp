// SPDX-License-Identifier: MIT
// convert REPORT.json BACKEND FILE: writes a report that JSON holds by another backend, so that one measurement can be
// compared in all formats.
#include <peakscope/core/error.hpp>
#include <peakscope/report/by_name.hpp>
#include <peakscope/report/dhat.hpp>
#include <peakscope/report/firefox.hpp>
#include <peakscope/report/folded.hpp>
#include <peakscope/report/json_reader.hpp>
#include <peakscope/report/markdown.hpp>
#include <peakscope/report/pprof.hpp>
#include <peakscope/report/speedscope.hpp>
#include <peakscope/report/trace.hpp>

#include <cstdio>

int main(int count, char** arguments) {
    namespace report = peakscope::report;
    using backends = report::by_name<report::dhat, report::firefox, report::folded, report::markdown, report::pprof,
                                     report::speedscope, report::trace>;
    if (count != 4) return 2;
    try {
        backends{arguments[2], arguments[3]}(report::read_json_file(arguments[1]));
        return 0;
    } catch (const peakscope::error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
