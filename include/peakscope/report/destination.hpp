// SPDX-License-Identifier: MIT
// Where a backend writes: standard output, a stream of the caller's, or a file.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/error.hpp>

#include <concepts>
#include <iosfwd>
#include <string>
#include <string_view>

namespace peakscope::report {

/// Writes a whole text or throws `write_error` with the destination and the system's reason.
class destination {
  public:
    /// Standard output.
    destination() = default;
    /// A stream that outlives the destination.
    destination(std::ostream& stream) : kind_(kind::stream), stream_(&stream) {}
    /// A file, created or replaced.
    destination(std::string_view path) : kind_(kind::file), path_(path) {}
    /// A std::filesystem::path, which is known by its `string()`: whoever has one has paid for its header already, and
    /// nobody else does.
    template <class Path>
        requires requires(const Path& path) {
            { path.string() } -> std::same_as<std::string>;
        }
    destination(const Path& path) : kind_(kind::file), path_(path.string()) {}

    PEAKSCOPE_BODY_ELSEWHERE void write(std::string_view text) const;

    /// Whether a person probably reads it as it appears: standard output on a terminal, NO_COLOR not set
    /// (no-color.org), TERM not "dumb". Asked of the file system, which knows a terminal as a character device on the
    /// systems that have them; elsewhere the answer is no.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] bool wants_colour() const;

  private:
    enum class kind : unsigned char { standard_output, stream, file };

    kind kind_ = kind::standard_output;
    std::ostream* stream_ = nullptr;
    std::string path_;
};

} // namespace peakscope::report
