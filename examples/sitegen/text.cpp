// SPDX-License-Identifier: MIT
#include "text.hpp"

#include "site.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace sitegen {

namespace {

[[noreturn]] void fail(const char* what, const std::filesystem::path& path) {
    const int reason = errno;
    throw fatal_error(std::string{what} + " '" + path.string() +
                      "': " + std::error_code{reason, std::generic_category()}.message());
}

using file_handle = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

} // namespace

std::string read_file(const std::filesystem::path& path) {
    const file_handle file{std::fopen(path.c_str(), "rb"), &std::fclose};
    if (!file) fail("cannot read", path);
    std::string content;
    std::array<char, 1 << 16> buffer;
    while (std::feof(file.get()) == 0 && std::ferror(file.get()) == 0) {
        const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file.get());
        content.append(buffer.data(), count);
    }
    if (std::ferror(file.get()) != 0) fail("cannot read", path);
    return content;
}

void write_file(const std::filesystem::path& path, std::string_view content) {
    std::error_code failed;
    std::filesystem::create_directories(path.parent_path(), failed);
    if (failed) throw fatal_error("cannot make the folder of '" + path.string() + "': " + failed.message());
    file_handle file{std::fopen(path.c_str(), "wb"), &std::fclose};
    if (!file) fail("cannot write", path);
    if (std::fwrite(content.data(), 1, content.size(), file.get()) != content.size()) fail("cannot write", path);
    if (std::fclose(file.release()) != 0) fail("cannot write", path);
}

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned lead = byte(i);
        if (lead < 0x80) {
            ++i;
            continue;
        }
        // The second byte's range rules out overlong forms, surrogates and what lies above U+10FFFF.
        const std::size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                                   : (lead & 0xf0) == 0xe0        ? 3
                                   : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                                  : 0;
        const unsigned lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
        const unsigned highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
        bool valid = length != 0 && byte(i + 1) >= lowest && byte(i + 1) <= highest;
        for (std::size_t k = 2; k < length; ++k)
            valid = valid && (byte(i + k) & 0xc0) == 0x80;
        if (!valid) return i;
        i += length;
    }
    return std::nullopt;
}

std::size_t line_of(std::string_view text, std::size_t offset) {
    const std::string_view before = text.substr(0, offset);
    return 1 + static_cast<std::size_t>(std::count(before.begin(), before.end(), '\n'));
}

std::string slug(std::string_view text) {
    std::string made;
    bool gap = false;
    for (const char c : text) {
        const bool upper = c >= 'A' && c <= 'Z';
        if (!upper && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && static_cast<unsigned char>(c) < 0x80) {
            gap = true;
            continue;
        }
        if (gap && !made.empty()) made += '-';
        gap = false;
        made += upper ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return made.empty() ? "section" : made;
}

std::string url_path(std::string_view path) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : path) {
        const bool kept = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                          std::string_view{"-._~/"}.find(c) != std::string_view::npos;
        if (kept) {
            encoded += c;
        } else {
            const auto value = static_cast<unsigned char>(c);
            encoded += {'%', digits[value >> 4U], digits[value & 0xfU]};
        }
    }
    return encoded;
}

std::string_view excerpt(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) return text;
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80)
        --limit;
    return text.substr(0, limit);
}

} // namespace sitegen
