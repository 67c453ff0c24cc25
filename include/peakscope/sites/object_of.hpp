// SPDX-License-Identifier: MIT
// Programs and libraries in memory: which one holds an address.
#pragma once

#include <peakscope/sites/stack.hpp>

#include <cstddef>

#if defined(__linux__)
#include <dlfcn.h>
#include <link.h>
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

} // namespace peakscope::sites::detail
