// SPDX-License-Identifier: MIT
// memgate: does this change take more memory? Compares JSON reports of peakscope's with a baseline.
//
//     memgate baseline.json current.json --markdown comment.md
//     memgate baseline/ runs/                                    folders of repetitions
//     memgate baseline/ runs/ --update                           the current ones become the baseline
//
// Exit status: 0 when nothing is worse, 1 when something is, 2 when it cannot be told.
//
// The bodies of the library are linked with it: ../bodies/implementation.cpp.
#include <peakscope/report/destination.hpp>
#include <peakscope/report/json.hpp>
#include <peakscope/report/json_reader.hpp>
#include <peakscope/testing/compare.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

// A report, or a folder of them: the .json files that lie in it, by name.
std::vector<fs::path> files_of(const fs::path& side) {
    if (!fs::is_directory(side)) return {side};
    std::vector<fs::path> files;
    for (const fs::directory_entry& each : fs::directory_iterator{side})
        if (each.path().extension() == ".json") files.push_back(each.path());
    std::ranges::sort(files);
    if (files.empty()) throw peakscope::error("there is no .json file in the folder '" + side.string() + "'");
    return files;
}

std::vector<peakscope::memory_report> reports_of(const fs::path& side) {
    std::vector<peakscope::memory_report> reports;
    for (const fs::path& each : files_of(side))
        reports.push_back(peakscope::report::read_json_file(each));
    return reports;
}

// All of them are there under other names before the first one takes its place, so that an error on the way leaves the
// baseline as it was.
void update(const fs::path& baseline, const fs::path& current, const std::vector<peakscope::memory_report>& reports) {
    const auto write = [](const fs::path& path, const peakscope::memory_report& report) {
        peakscope::report::json{path}(report);
    };
    if (!fs::is_directory(current)) {
        const fs::path to = fs::is_directory(baseline) ? baseline / current.filename() : baseline;
        const fs::path made = to.string() + ".new";
        write(made, reports.front());
        if (fs::is_directory(baseline))
            for (const fs::path& each : files_of(baseline))
                if (each != to) fs::remove(each);
        fs::rename(made, to);
        return;
    }
    if (fs::exists(baseline) && !fs::is_directory(baseline))
        throw peakscope::error("'" + baseline.string() + "' is one report and '" + current.string() +
                               "' a folder of them: name a folder as the baseline");
    fs::create_directories(baseline);
    const std::vector<fs::path> files = files_of(current);
    for (std::size_t i = 0; i < files.size(); ++i)
        write(baseline / (files[i].filename().string() + ".new"), reports[i]);
    for (const fs::directory_entry& each : fs::directory_iterator{baseline})
        if (each.path().extension() == ".json") fs::remove(each.path());
    for (const fs::path& each : files)
        fs::rename(baseline / (each.filename().string() + ".new"), baseline / each.filename());
}

int run(int argc, char** argv) {
    CLI::App app{
        "Compares memory reports with a baseline. Exit status: 0 when nothing is worse, 1 when something is, 2 "
        "when it cannot be told."};
    std::string baseline;
    std::string current;
    std::optional<std::string> markdown;
    bool accept = false;
    peakscope::testing::compare_options options;
    double percent = 100 * options.tolerance;
    app.add_option("baseline", baseline, "a report in JSON, or a folder of reports")->required();
    app.add_option("current", current, "the same, of the change")->required();
    app.add_option("--tolerance", percent, "percent of the baseline that a figure may grow by")
        ->check(CLI::Range(0.0, 1'000.0))
        ->capture_default_str();
    app.add_option("--sites", options.sites, "how many call sites are shown")->capture_default_str();
    app.add_option("--markdown", markdown, "writes the comparison to a file instead of standard output");
    app.add_flag("--update", accept, "the current reports become the baseline, which need not exist yet");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& wrong) {
        return app.exit(wrong) == 0 ? 0 : 2;
    }
    options.tolerance = percent / 100;

    const std::vector<peakscope::memory_report> now = reports_of(current);
    if (accept && !fs::exists(baseline)) {
        update(baseline, current, now);
        std::cerr << "memgate: '" << baseline << "' is the baseline from now on\n";
        return 0;
    }
    const peakscope::testing::comparison changes = peakscope::testing::compare(reports_of(baseline), now, options);
    const peakscope::report::destination to = markdown ? peakscope::report::destination{fs::path{*markdown}}
                                                       : peakscope::report::destination::standard_output();
    to.write(changes.markdown());
    if (accept) {
        update(baseline, current, now);
        std::cerr << "memgate: '" << baseline << "' is replaced\n";
        return 0;
    }
    return changes.worse() ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& failed) {
        std::cerr << "memgate: " << failed.what() << '\n';
        return 2;
    }
}
