// SPDX-License-Identifier: MIT
// Programs and libraries in memory: which one holds an address.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/sites/stack.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

#if defined(__linux__)
#include <dlfcn.h>
#include <link.h>
#include <unistd.h>
#endif

namespace peakscope::sites::detail {

struct loaded_object {
    address base = 0;      // what its own addresses are counted from
    const char* path = ""; // "" for the program itself
    bool known = false;
};

// The object that holds a return address. dladdr would look through all of its symbols as well.
[[nodiscard]] inline loaded_object object_of(address return_address) noexcept {
#if defined(DLFO_STRUCT_HAS_EH_DBASE) // glibc 2.35
    ::dl_find_object found;
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    if (::_dl_find_object(reinterpret_cast<void*>(return_address - 1), &found) == 0)
        return {found.dlfo_link_map->l_addr, found.dlfo_link_map->l_name, true};
#elif defined(__linux__)
    struct search {
        ElfW(Addr) wanted;
        loaded_object found;
    } search{return_address - 1, {}};
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* passed) {
            auto& [wanted, found] = *static_cast<struct search*>(passed);
            for (const ElfW(Phdr)* each = info->dlpi_phdr; each != info->dlpi_phdr + info->dlpi_phnum; ++each)
                if (each->p_type == PT_LOAD && wanted - info->dlpi_addr - each->p_vaddr < each->p_memsz)
                    found = {info->dlpi_addr, info->dlpi_name, true};
            return found.known ? 1 : 0;
        },
        &search);
    return search.found;
#endif
    static_cast<void>(return_address);
    return {};
}

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
