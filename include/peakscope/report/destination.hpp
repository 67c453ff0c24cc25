// SPDX-License-Identifier: MIT
// Where a backend writes: standard error, a stream of the caller's, or a file.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/error.hpp>
#include <peakscope/core/fixed_string.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/fwd.hpp>

#include <concepts>
#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>

namespace peakscope::report {

/// Writes a whole text or throws `write_error` with the destination and the system's reason.
class destination {
  public:
    /// What the environment variable PEAKSCOPE_OUT names, a file; where it is not set, standard error: standard output
    /// is the program's, and a report in the middle of a product spoils it. A file that cannot be written is named
    /// there, and the report follows: whoever set the variable need not know the program.
    ///
    /// No two reports share it by accident. Of the backends in a `tee`, the first that writes to it has it, and each
    /// other one a file that is named after the backend: PEAKSCOPE_OUT's with ".json", or "peakscope.json" in the
    /// working directory. A later report of the same process does not replace a file: it is "....2", "....3".
    destination() = default;
    destination(const destination&) = default;
    destination& operator=(const destination&) = default;
    destination(destination&&) = default;
    destination& operator=(destination&&) = default;
    ~destination() = default;
    [[nodiscard]] static destination standard_output() { return destination{kind::standard_output}; }
    /// A stream that outlives the destination.
    destination(std::ostream& stream) : kind_(kind::stream), stream_(&stream) {}
    /// A file, created or replaced: written beside its place, as `path.part0`, and renamed when it is whole, so that a
    /// full disk or the end of the process leaves the last one as it was. Where its folder takes no other file, and
    /// where it is none but a terminal or a pipe, it is written where it is.
    destination(std::string_view path) : kind_(kind::file), path_(path) {}
    destination(const char* path) : destination(std::string_view{path}) {}
    /// A std::filesystem::path, which is known by its `string()`: whoever has one has paid for its header already, and
    /// nobody else does.
    template <class Path>
        requires requires(const Path& path) {
            { path.string() } -> std::same_as<std::string>;
        }
    destination(const Path& path) : kind_(kind::file), path_(path.string()) {}
    /// The end of a file, which is created where it is not there. In one call of the system, so that the texts of
    /// several processes come one after the other. A last line without an end, as of a process that was killed, gets
    /// one.
    [[nodiscard]] static destination end_of(std::string_view path) { return {kind::end_of_file, path}; }

    PEAKSCOPE_BODY_ELSEWHERE void write(std::string_view text) const;

    /// Whether a person probably reads it as it appears: on a terminal, NO_COLOR not set (no-color.org), TERM not
    /// "dumb".
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool wants_colour() const;

    /// How wide a line may be: what the terminal has, or the environment variable COLUMNS says where standard error or
    /// standard output is none; 100 where nothing says it, and for streams and files.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] std::size_t columns() const;

  private:
    enum class kind : unsigned char { by_default, standard_output, stream, file, end_of_file };
    explicit destination(kind which) : kind_(which) {}
    destination(kind which, std::string_view path) : kind_(which), path_(path) {}
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] int descriptor() const; // of standard output or standard error, or -1

    kind kind_ = kind::by_default;
    std::ostream* stream_ = nullptr;
    std::string path_{};
};

/// A file, by its name:  report::json{report::to("memory.json")}
[[nodiscard]] inline destination to(std::string_view path) { return path; }

/// The end of a file:  report::json_lines{report::append_to("runs.jsonl")}
[[nodiscard]] inline destination append_to(std::string_view path) { return destination::end_of(path); }

/// These as policies, of a backend that takes a destination:
///     profiler<Phases, Heap, Rss, report::tee<report::console, report::to_file<report::json, "memory.json">>>
template <class Backend, fixed_string Path>
struct to_file {
    static constexpr const char* name = Backend::name;

    void operator()(const memory_report& report) const { Backend{to(Path.c_str())}(report); }
};
template <class Backend, fixed_string Path>
struct append_to_file {
    static constexpr const char* name = Backend::name;

    void operator()(const memory_report& report) const { Backend{append_to(Path.c_str())}(report); }
};

namespace detail {

// While a tee hands a report on: whose turn it is, and who has had the default destination.
class sharing {
  public:
    PEAKSCOPE_BODY_ELSEWHERE sharing() noexcept;
    PEAKSCOPE_BODY_ELSEWHERE ~sharing();
    sharing(const sharing&) = delete;
    sharing& operator=(const sharing&) = delete;

    // The turn of a backend. Those of a tee in a tee are turns of the outer one.
    PEAKSCOPE_BODY_ELSEWHERE void next(const char* backend) noexcept;

    // Null where the default destination is free, or the backend's whose turn it is; else the backend's name.
    [[nodiscard]] static const char* left_without() noexcept;
    static void take() noexcept;

  private:
    [[nodiscard]] sharing& outermost() noexcept;

    sharing* around_;
    const char* backend_ = "";
    unsigned turn_ = 0;
    unsigned taken_in_ = 0; // a turn
};

} // namespace detail

} // namespace peakscope::report
