// SPDX-License-Identifier: MIT
// Which function an exception could not leave, were one thrown here: a function that is noexcept has a table of call
// sites, as the Itanium C++ ABI's exception handling has it (LSDA), in which a call that may not throw is left out, and
// the personality routine calls std::terminate for it. g++ does so; clang++ calls std::terminate from a handler of the
// function's own, which looks like any other, so that its functions are not found.
#pragma once

#include <cstddef>
#include <cstdint>

#if __has_include(<unwind.h>)
#include <unwind.h>
#endif

namespace peakscope::testing::detail {

#if __has_include(<unwind.h>)

[[nodiscard]] inline std::uint64_t uleb128(const unsigned char*& at) noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const unsigned char part = *at++;
        value |= std::uint64_t{part & 0x7fU} << shift;
        if ((part & 0x80U) == 0) return value;
    }
}

// Whether the table of call sites has no entry for the call before this offset in its function.
[[nodiscard]] inline bool lets_nothing_out(const unsigned char* table, std::uint64_t offset) noexcept {
    constexpr unsigned char omitted = 0xff;
    constexpr unsigned char as_uleb128 = 0x01;
    if (*table++ != omitted) return false; // landing pads elsewhere: not of a compiler that is known here
    if (*table++ != omitted) static_cast<void>(uleb128(table));
    if (*table++ != as_uleb128) return false;
    const std::uint64_t size_bytes = uleb128(table);
    for (const unsigned char* const end = table + size_bytes; table < end;) {
        const std::uint64_t begin = uleb128(table);
        const std::uint64_t length = uleb128(table);
        static_cast<void>(uleb128(table)); // the landing pad
        static_cast<void>(uleb128(table)); // what it does
        if (offset - 1 >= begin && offset - 1 < begin + length) return false;
    }
    return true;
}

// The return address in the innermost of the functions outside of `from`, itself a return address, or 0.
[[nodiscard]] inline std::uintptr_t noexcept_frame(std::uintptr_t from) noexcept {
    struct search {
        std::uintptr_t from;
        bool reached = false;
        std::uintptr_t found = 0;
    } looked{from};
    static_cast<void>(_Unwind_Backtrace(
        [](_Unwind_Context* context, void* self) {
            search& of = *static_cast<search*>(self);
            const std::uintptr_t at = _Unwind_GetIP(context);
            of.reached = of.reached || at == of.from;
            const auto* const table = static_cast<const unsigned char*>(
                reinterpret_cast<const void*>(_Unwind_GetLanguageSpecificData(context)));
            if (!of.reached || table == nullptr) return _URC_NO_REASON;
            if (!lets_nothing_out(table, at - _Unwind_GetRegionStart(context))) return _URC_NO_REASON;
            of.found = at;
            return _URC_END_OF_STACK;
        },
        &looked));
    return looked.found;
}

#else

[[nodiscard]] inline std::uintptr_t noexcept_frame(std::uintptr_t) noexcept { return 0; }

#endif

} // namespace peakscope::testing::detail
