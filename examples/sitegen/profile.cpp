// SPDX-License-Identifier: MIT
// The one file that knows how the memory is measured. The replaced malloc and the bodies of the library are linked:
// ../bodies.
#include "profile.hpp"

#ifdef PROFILE_MEMORY

#include "memory.hpp"
#include "reports.hpp"

#include <peakscope/peakscope.hpp>
#include <peakscope/sites/frames.hpp>
#include <peakscope/sites/libbacktrace.hpp>
#ifdef SITEGEN_HEAP
#include <peakscope/sites/unwind.hpp>
#endif

#include <utility>

namespace sitegen {

const std::vector<std::string>& profile_backends() { return report_backends(); }

profiled_build build_site_profiled(const build_options& options, const profile_options& profile) {
    // The site is live when the measurement ends: the delta is what a finished site holds. Before it begins, the
    // program's own code is mapped, so that the RSS it adds is the site's.
    Memory memory{[&] { return "building " + std::filesystem::weakly_canonical(options.folder).filename().string(); },
                  [] { peakscope::rss::map_code(); }};
    profiled_build made{build_site(options), [] {}};
    // The backend is chosen when the program runs, so the profiler's own is `none` and the report is handed on.
    // A measurement that nobody asks for its report ends with its scope, and no names are looked up for it.
    if (profile.backend != peakscope::report::none::name)
        made.write_report = [profile, report = memory.finish({"page", made.built.pages.size()})] {
            write_report(report, profile);
        };
    return made;
}

void switch_profiling_off() {
#ifndef SITEGEN_COUNTS_NOTHING
    peakscope::heap::switch_counting_off();
#endif
}

} // namespace sitegen

#else

namespace sitegen {

const std::vector<std::string>& profile_backends() {
    static const std::vector<std::string> names{"console",  "dhat",  "firefox",    "folded", "html", "json",
                                                "markdown", "pprof", "speedscope", "trace",  "none"};
    return names;
}

profiled_build build_site_profiled(const build_options&, const profile_options&) {
    throw fatal_error("this sitegen was built without memory profiling: define PROFILE_MEMORY and build it again");
}

void switch_profiling_off() {}

} // namespace sitegen

#endif
