// SPDX-License-Identifier: MIT
// How much memory the profiler's tables take, known at any time without asking the system: it is counted when a page is
// written for the first time. Tables are address space, nearly all of it never touched, and what is resident of them is
// in the process's RSS, from which it has to be taken out again.
#pragma once

#include <peakscope/memory/pages.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace peakscope::memory {

// Of all tables of the process. Only added to and read.
inline constinit std::atomic<std::int64_t> resident_table_bytes{0};

[[nodiscard]] inline std::size_t whole_pages(std::size_t size_bytes) noexcept {
    return (size_bytes + page_bytes() - 1) / page_bytes() * page_bytes();
}
inline void count_resident(std::int64_t size_bytes) noexcept {
    resident_table_bytes.fetch_add(size_bytes, std::memory_order_relaxed);
}

// A table that is written from its front on, or all over. Not synchronised.
class resident_front {
  public:
    // The first `size_bytes` of it are going to be written. What lies beyond what was said before is all zeros.
    void reach(void* table, std::size_t size_bytes) noexcept {
        if (size_bytes > bytes_) [[unlikely]]
            extend(static_cast<volatile char*>(table), size_bytes);
    }
    // Its memory is given back.
    void give_back() noexcept {
        count_resident(-static_cast<std::int64_t>(bytes_));
        bytes_ = 0;
    }

  private:
    // A page that is to be read first, as a look-up does, would not be memory yet.
    void extend(volatile char* table, std::size_t size_bytes) noexcept {
        const std::size_t before = bytes_;
        bytes_ = whole_pages(size_bytes);
        for (std::size_t at = before; at < bytes_; at += page_bytes())
            table[at] = 0;
        count_resident(static_cast<std::int64_t>(bytes_ - before));
    }

    std::size_t bytes_ = 0;
};

// A table that is written here and there: a bit for each of its pages. The bits lie in the same pages. Not
// synchronised.
class resident_marks {
  public:
    [[nodiscard]] static std::size_t bytes_for(std::size_t size_bytes) noexcept {
        return (size_bytes / page_bytes() / 8 + 127) / 64 * 64; // of cache lines, and enough for its own pages
    }

    // Pages that read as zeros; the bits are at their front.
    void use(std::byte* pages) noexcept { pages_ = pages; }

    // A value there is going to be written.
    void touch(const void* at, std::size_t size_bytes) noexcept {
        const auto first = static_cast<std::size_t>(static_cast<const std::byte*>(at) - pages_);
        for (std::size_t page = first / page_bytes(); page <= (first + size_bytes - 1) / page_bytes(); ++page)
            mark(page);
    }
    // Zeros again, wherever it was written. The part begins and ends with a page.
    void clear(std::byte* part, std::size_t size_bytes) noexcept {
        const auto first = static_cast<std::size_t>(part - pages_) / page_bytes();
        for (std::size_t page = first; page < first + size_bytes / page_bytes(); ++page)
            if (is_marked(page)) std::memset(pages_ + page * page_bytes(), 0, page_bytes());
    }

  private:
    [[nodiscard]] bool is_marked(std::size_t page) const noexcept {
        return (pages_[page / 8] & std::byte{1} << page % 8) != std::byte{};
    }
    void mark(std::size_t page) noexcept {
        while (!is_marked(page)) {
            pages_[page / 8] |= std::byte{1} << page % 8;
            count_resident(static_cast<std::int64_t>(page_bytes()));
            page = page / 8 / page_bytes(); // where the bit itself lies
        }
    }

    std::byte* pages_ = nullptr;
};

} // namespace peakscope::memory
