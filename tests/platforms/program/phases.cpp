// SPDX-License-Identifier: MIT
// Opens phases, and is compiled without exceptions in one row of the matrix.
#include "memory.hpp"

#include <new>

void* read() {
    auto phase = Memory::phase<"reading">();
    ::operator delete(::operator new(3'000'000));
    return ::operator new(1'000'001);
}

void* render() {
    auto phase = Memory::phase<"rendering">();
    for (int page = 0; page != 1000; ++page)
        ::operator delete[](::operator new[](777));
    return ::operator new(64, std::align_val_t{64});
}
