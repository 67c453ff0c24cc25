// SPDX-License-Identifier: MIT
// The bodies of report/destination.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/report/destination.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>

namespace peakscope::report {

namespace detail {

[[noreturn]] inline void fail_to_write(const std::string& where) {
    const int reason = errno;
    throw write_error(where, std::error_code{reason, std::generic_category()}.message());
}

inline void write_stream(std::ostream& stream, std::string_view text) {
    stream.write(text.data(), static_cast<std::streamsize>(text.size()));
    stream.flush();
    if (!stream) throw write_error("a stream", "the stream has failed");
}

inline void write_open_file(std::FILE* file, std::string_view text, const std::string& where) {
    errno = 0;
    if (std::fwrite(text.data(), 1, text.size(), file) != text.size() || std::fflush(file) != 0) fail_to_write(where);
}

inline void write_file(const std::string& path, std::string_view text) {
    const std::string where = "'" + path + "'";
    errno = 0;
    std::FILE* const file = std::fopen(path.c_str(), "wb");
    if (file == nullptr) fail_to_write(where);
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> closer{file, &std::fclose};
    write_open_file(file, text, where);
    errno = 0;
    if (std::fclose(closer.release()) != 0) fail_to_write(where);
}

} // namespace detail

void destination::write(std::string_view text) const {
    switch (kind_) {
    case kind::standard_output:
        return detail::write_open_file(stdout, text, "standard output");
    case kind::stream:
        return detail::write_stream(*stream_, text);
    case kind::file:
        return detail::write_file(path_, text);
    }
}

bool destination::wants_colour() const {
    if (kind_ != kind::standard_output) return false;
    if (const char* const no_colour = std::getenv("NO_COLOR"); no_colour != nullptr && *no_colour != '\0') return false;
    const char* const terminal = std::getenv("TERM");
    if (terminal == nullptr || std::string_view{terminal} == "dumb") return false;
    std::error_code unknown;
    return std::filesystem::is_character_file("/dev/stdout", unknown);
}

} // namespace peakscope::report
