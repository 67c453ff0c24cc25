// SPDX-License-Identifier: MIT
#pragma once

#include <peakscope/core/bytes.hpp>

#include <doctest/doctest.h>

#include <sys/mman.h>

#include <cstddef>

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

  private:
    // ThreadSanitizer would make shadow pages resident for what it sees written.
    [[gnu::no_sanitize_thread]] static void touch(volatile char* first, std::size_t count) {
        for (std::size_t i = 0; i < count; i += 4'096)
            first[i] = 1;
    }

    std::size_t size_;
    void* address_;
};

} // namespace tests
