// SPDX-License-Identifier: MIT
// Small helpers on text and files.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace sitegen {

/// The whole file. Throws `fatal_error` with the path and the system's reason.
std::string read_file(const std::filesystem::path& path);

/// Writes the whole file and makes its folders. Throws `fatal_error` with the path and the system's reason.
void write_file(const std::filesystem::path& path, std::string_view content);

/// Where the first byte stands that is not UTF-8 (RFC 3629), if there is one.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

/// The line, from 1, that a byte stands on.
std::size_t line_of(std::string_view text, std::size_t offset);

/// Lower-case letters, digits and what is not ASCII, joined by '-'; "section" when nothing is left.
std::string slug(std::string_view text);

/// A path as it stands in a link: every byte percent-encoded that RFC 3986 does not call unreserved, but for '/'.
std::string url_path(std::string_view path);

/// At most `limit` bytes, cut between two code points.
std::string_view excerpt(std::string_view text, std::size_t limit);

} // namespace sitegen
