// SPDX-License-Identifier: MIT
// Programs and libraries in memory: what they are called, and frames by them.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/sites/object_of.hpp>
#include <peakscope/sites/stack.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

#if defined(__linux__)
#include <link.h>
#include <unistd.h>
#endif

namespace peakscope::sites::detail {

[[nodiscard]] inline std::string path_of(const loaded_object& object) {
    if (!object.known || *object.path != 0) return object.path;
#if defined(__linux__)
    std::string path(4'096, 0);
    const auto length = ::readlink("/proc/self/exe", path.data(), path.size());
    path.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return path;
#else
    return {};
#endif
}

// How often libraries were loaded and unloaded. Changes when what is known of them must be read anew.
[[nodiscard]] inline std::uint64_t loads_and_unloads() noexcept {
    std::uint64_t sum = 0;
#if defined(__linux__)
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* into) {
            *static_cast<std::uint64_t*>(into) = info->dlpi_adds + info->dlpi_subs;
            return 1;
        },
        &sum);
#endif
    return sum;
}

[[nodiscard]] inline std::string hexadecimal(std::uint64_t number) {
    std::string digits;
    do
        digits.insert(digits.begin(), "0123456789abcdef"[number % 16]);
    while ((number /= 16) != 0);
    return "0x" + digits;
}

// Names a frame by its program or library, where nothing better is known.
inline void name_by_object(stack_frame& frame, address return_address) {
    if (frame.line > 0 && !frame.function.empty()) return;
    const loaded_object object = object_of(return_address);
    if (!object.known) { // of a library that is gone
        if (frame.function.empty()) frame.function = hexadecimal(return_address);
        return;
    }
    if (frame.function.empty()) frame.function = hexadecimal(return_address - object.base);
    if (frame.line == 0) frame.file = std::filesystem::path{path_of(object)}.lexically_normal().string();
}

} // namespace peakscope::sites::detail
