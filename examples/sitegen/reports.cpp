// SPDX-License-Identifier: MIT
#include "reports.hpp"

#include <peakscope/report/console.hpp>
#include <peakscope/report/json.hpp>
#include <peakscope/report/none.hpp>

namespace sitegen {

const std::vector<std::string>& report_backends() {
    static const std::vector<std::string> names{peakscope::report::console::name, peakscope::report::json::name,
                                                peakscope::report::none::name};
    return names;
}

void write_report(const peakscope::memory_report& report, const profile_options& profile) {
    using namespace peakscope::report;
    const destination where = profile.output ? destination{*profile.output} : destination{};
    if (profile.backend == json::name)
        json{where}(report);
    else if (profile.backend == console::name)
        console{where}(report);
}

} // namespace sitegen
