// SPDX-License-Identifier: MIT
// Builds a site with so many MiB of other memory live before the measurement, and prints the report as JSON.
//     fixture MEBIBYTES SITE OUTPUT
#include "../json_report.hpp"

#include <build.hpp>
#include <memory.hpp>

#include <peakscope/peakscope.hpp>
#include <peakscope/sites/frames.hpp>
#include <peakscope/sites/libbacktrace.hpp>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    // Like a test's fixture: one large part, many small ones, all of it touched.
    const auto mebibytes = static_cast<std::size_t>(std::atoi(argv[1]));
    std::vector<std::string> fixture;
    fixture.reserve(mebibytes * 512 + 1);
    for (std::size_t i = 0; i < mebibytes * 512; ++i)
        fixture.emplace_back(1'024, 'x');
    fixture.emplace_back(mebibytes << 19, 'y');

    sitegen::build_options options;
    options.folder = argv[2];
    options.output = argv[3];
    options.theme = SITEGEN_THEME;
    sitegen::Memory memory{"fixture"};
    const sitegen::site built = sitegen::build_site(options);
    json_report{}(memory.finish({"page", built.pages.size()}));
    return fixture.size() == mebibytes * 512 + 1 ? 0 : 1;
}
