// SPDX-License-Identifier: MIT
// Which library serves malloc in this process: linked or preloaded.
#pragma once

#if defined(__linux__)
#include <dlfcn.h>
#endif

namespace peakscope::heap::detail {

// Whether malloc is that of the library which has the function `name`.
[[nodiscard]] inline bool serves_malloc([[maybe_unused]] const char* name) noexcept {
#if defined(__linux__)
    void* const own = ::dlsym(RTLD_DEFAULT, name);
    void* const found = ::dlsym(RTLD_DEFAULT, "malloc");
    Dl_info here{};
    Dl_info there{};
    return own != nullptr && found != nullptr && ::dladdr(own, &here) != 0 && ::dladdr(found, &there) != 0 &&
           here.dli_fbase == there.dli_fbase;
#else
    return false;
#endif
}

} // namespace peakscope::heap::detail
