// SPDX-License-Identifier: MIT
#pragma once

#include <peakscope/core/bytes.hpp>

#include <doctest/doctest.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <fstream>

namespace tests {

// Pages from the kernel, all of them touched.
class pages {
  public:
    explicit pages(peakscope::bytes size) : size_(static_cast<std::size_t>(size.count)) {
        address_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(address_ != MAP_FAILED);
        touch(static_cast<volatile char*>(address_), size_);
    }
    ~pages() { ::munmap(address_, size_); }
    pages(const pages&) = delete;
    pages& operator=(const pages&) = delete;

    // Each of so many of them, from `first` on.
    [[gnu::no_sanitize_thread, gnu::no_sanitize_address]] void read(std::int64_t first, std::int64_t count) const {
        const auto* const all = static_cast<const volatile char*>(address_);
        for (std::int64_t i = first; i < first + count; ++i)
            static_cast<void>(all[i * 4'096]);
    }

  private:
    // A sanitizer would make shadow pages resident for what it sees read or written.
    [[gnu::no_sanitize_thread, gnu::no_sanitize_address]] static void touch(volatile char* first, std::size_t count) {
        for (std::size_t i = 0; i < count; i += 4'096)
            first[i] = 1;
    }

    std::size_t size_;
    void* address_;
};

// Of the process.
inline long resident_pages() {
    long size = 0;
    long resident = 0;
    std::ifstream{"/proc/self/statm"} >> size >> resident;
    return resident;
}

// Whether each page that becomes resident shows at once.
[[gnu::no_sanitize_thread, gnu::no_sanitize_address]] inline bool kernel_reads_exactly() {
    static_cast<void>(resident_pages()); // what the reading itself needs
    const std::size_t count = 64;
    auto* const memory = static_cast<volatile char*>(
        ::mmap(nullptr, count * 4'096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    bool exact = true;
    for (std::size_t i = 0; i < count; ++i) {
        const long before = resident_pages();
        memory[i * 4'096] = 1;
        exact = exact && resident_pages() - before == ::sysconf(_SC_PAGESIZE) / 4'096;
    }
    ::munmap(const_cast<char*>(memory), count * 4'096);
    return exact;
}

} // namespace tests
