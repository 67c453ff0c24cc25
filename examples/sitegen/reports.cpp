// SPDX-License-Identifier: MIT
#include "reports.hpp"

#include <peakscope/report/by_name.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/report/dhat.hpp>
#include <peakscope/report/firefox.hpp>
#include <peakscope/report/folded.hpp>
#include <peakscope/report/html.hpp>
#include <peakscope/report/json.hpp>
#include <peakscope/report/markdown.hpp>
#include <peakscope/report/none.hpp>
#include <peakscope/report/pprof.hpp>
#include <peakscope/report/speedscope.hpp>
#include <peakscope/report/trace.hpp>

namespace sitegen {

namespace {

namespace report = peakscope::report;
using backends =
    report::by_name<report::console, report::dhat, report::firefox, report::folded, report::html, report::json,
                    report::markdown, report::pprof, report::speedscope, report::trace, report::none>;

} // namespace

const std::vector<std::string>& report_backends() {
    static const std::vector<std::string> names{backends::names.begin(), backends::names.end()};
    return names;
}

void write_report(const peakscope::memory_report& made, const profile_options& profile) {
    backends{profile.backend,
             profile.output ? report::destination{*profile.output} : report::destination::standard_output()}(made);
}

} // namespace sitegen
