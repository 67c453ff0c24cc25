// SPDX-License-Identifier: MIT
// sitegen: a small static-site generator that can say where its memory went.
//
// Exit status: 0 done; 1 done, but pages were skipped; 2 nothing done, the reason is on standard error.
#include "build.hpp"
#include "new_site.hpp"
#include "plugin.hpp"
#include "profile.hpp"

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>
#include <string>
#include <vector>

namespace {

constexpr int pages_were_skipped = 1;
constexpr int failed = 2;

void say(const std::string& line) { std::cerr << line + '\n'; }

int report_problems(const sitegen::site& built) {
    for (const sitegen::problem& each : built.problems)
        say("warning: " + each.file.string() + (each.line > 0 ? ":" + std::to_string(each.line) : "") + ": " +
            each.message + "; the page is skipped");
    say(std::to_string(built.pages.size()) + " pages built" +
        (built.problems.empty() ? "" : ", " + std::to_string(built.problems.size()) + " skipped"));
    return built.problems.empty() ? 0 : pages_were_skipped;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"sitegen: a static-site generator that can say where its memory went"};
    app.require_subcommand(1);

    std::string folder;
    std::size_t pages = 0;
    std::size_t sections = 4;
    CLI::App* const make = app.add_subcommand("new", "Make a site to build, the same every time");
    make->add_option("DIR", folder, "Folder to make")->required();
    make->add_option("--pages", pages, "How many pages")->required()->check(CLI::Range(0, 10'000'000));
    make->add_option("--sections", sections, "In how many sections")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();

    sitegen::build_options options;
    sitegen::profile_options profile;
    std::string theme = SITEGEN_THEME;
    std::string output;
    std::string profile_output;
    CLI::App* const build = app.add_subcommand("build", "Build a site, or any folder of Markdown");
    build->add_option("DIR", folder, "The site's folder")->required();
    build->add_option("--output", output, "Where the pages go")->required();
    build->add_option("--jobs", options.jobs, "Threads that render")
        ->check(CLI::Range(1, 1'024))
        ->capture_default_str();
    build->add_flag("--pipeline", options.pipeline, "Render and write page by page, and not all of them step by step");
    build->add_option("--plugin", options.plugins, "Use a plugin; can be given several times")
        ->check(CLI::IsMember(sitegen::plugin_names()))
        ->expected(1)
        ->take_all();
    build->add_option("--theme", theme, "Folder with the templates")->capture_default_str();
    build->add_flag("--drafts", options.drafts, "Build drafts too");
    // A flag, so that only "--profile-memory=json" names a backend and a following argument is left alone.
    CLI::Option* const profiled =
        build->add_flag("--profile-memory{console}", profile.backend, "Measure memory by phase, and report it so")
            ->check(CLI::IsMember(sitegen::profile_backends()));
    build->add_option("--profile-output", profile_output, "File for the memory report, instead of standard output")
        ->needs(profiled);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return app.exit(wrong, std::cout, std::cerr) == 0 ? 0 : failed;
    }

    try {
        if (make->parsed()) {
            sitegen::make_new_site(folder, pages, sections);
            say(std::to_string(pages) + " pages made in " + folder);
            return 0;
        }
        options.folder = folder;
        options.output = output;
        options.theme = theme;
        if (!profile_output.empty()) profile.output = profile_output;
        if (profiled->count() == 0) {
            sitegen::switch_profiling_off();
            return report_problems(sitegen::build_site(options));
        }
        const sitegen::profiled_build profiled_site = sitegen::build_site_profiled(options, profile);
        const int status = report_problems(profiled_site.built);
        profiled_site.write_report();
        return status;
    } catch (const std::exception& error) {
        say(std::string{"error: "} + error.what());
        return failed;
    }
}
