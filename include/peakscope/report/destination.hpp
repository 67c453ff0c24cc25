// SPDX-License-Identifier: MIT
// Where a backend writes: standard output, a stream of the caller's, or a file.
#pragma once

#include <peakscope/core/error.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

namespace peakscope::report {

/// Writes a whole text or throws `write_error` with the destination and the system's reason.
class destination {
  public:
    /// Standard output.
    destination() = default;
    /// A stream that outlives the destination.
    destination(std::ostream& stream) : target_(&stream) {}
    /// A file, created or replaced.
    destination(std::filesystem::path path) : target_(std::move(path)) {}

    void write(std::string_view text) const {
        if (const auto* path = std::get_if<std::filesystem::path>(&target_))
            write_file(*path, text);
        else if (const auto* stream = std::get_if<std::ostream*>(&target_))
            write_stream(**stream, text);
        else
            write_open_file(stdout, text, "standard output");
    }

    /// Whether a person probably reads it as it appears: standard output on a terminal, NO_COLOR not set
    /// (no-color.org), TERM not "dumb". Asked of the file system, which knows a terminal as a character device on the
    /// systems that have them; elsewhere the answer is no.
    [[nodiscard]] bool wants_colour() const {
        if (!std::holds_alternative<std::monostate>(target_)) return false;
        if (const char* const no_colour = std::getenv("NO_COLOR"); no_colour != nullptr && *no_colour != '\0')
            return false;
        const char* const terminal = std::getenv("TERM");
        if (terminal == nullptr || std::string_view{terminal} == "dumb") return false;
        std::error_code unknown;
        return std::filesystem::is_character_file("/dev/stdout", unknown);
    }

  private:
    [[noreturn]] static void fail(const std::string& where) {
        const int reason = errno;
        throw write_error(where, std::error_code{reason, std::generic_category()}.message());
    }

    static void write_stream(std::ostream& stream, std::string_view text) {
        stream.write(text.data(), static_cast<std::streamsize>(text.size()));
        stream.flush();
        if (!stream) throw write_error("a stream", "the stream has failed");
    }

    static void write_open_file(std::FILE* file, std::string_view text, const std::string& where) {
        errno = 0;
        if (std::fwrite(text.data(), 1, text.size(), file) != text.size() || std::fflush(file) != 0) fail(where);
    }

    static void write_file(const std::filesystem::path& path, std::string_view text) {
        errno = 0;
        std::FILE* const file = std::fopen(path.string().c_str(), "wb");
        if (file == nullptr) fail("'" + path.string() + "'");
        std::unique_ptr<std::FILE, int (*)(std::FILE*)> closer{file, &std::fclose};
        write_open_file(file, text, "'" + path.string() + "'");
        errno = 0;
        if (std::fclose(closer.release()) != 0) fail("'" + path.string() + "'");
    }

    std::variant<std::monostate, std::ostream*, std::filesystem::path> target_;
};

} // namespace peakscope::report
