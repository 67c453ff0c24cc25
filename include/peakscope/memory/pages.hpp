// SPDX-License-Identifier: MIT
// Memory for the profiler's tables, straight from the system: it is in no heap, so that no heap source counts it, and
// asking for it calls no allocator that is being measured.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace peakscope::memory {

// Address space that reads as zeros and takes memory only where it is written. Null when the system refuses.
[[nodiscard]] inline void* reserve_pages(std::size_t size_bytes) noexcept {
#if defined(__linux__)
    void* const memory =
        ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return nullptr;
    // A huge page would make the first table entry resident with 2 MiB.
    static_cast<void>(::madvise(memory, size_bytes, MADV_NOHUGEPAGE));
    return memory;
#else
    return std::calloc(1, size_bytes);
#endif
}

inline void release_pages(void* memory, [[maybe_unused]] std::size_t size_bytes) noexcept {
    if (memory == nullptr) return;
#if defined(__linux__)
    static_cast<void>(::munmap(memory, size_bytes));
#else
    std::free(memory);
#endif
}

// Makes pages read as zeros again, and gives their memory back where the system can.
inline void clear_pages(void* memory, std::size_t size_bytes) noexcept {
#if defined(__linux__)
    if (memory == nullptr || size_bytes == 0 || ::madvise(memory, size_bytes, MADV_DONTNEED) == 0) return;
#else
    if (memory == nullptr) return;
#endif
    std::memset(memory, 0, size_bytes);
}

// How much of the pages is resident; all of it where the system does not say.
[[nodiscard]] inline std::int64_t resident_bytes(const void* memory, std::size_t size_bytes) noexcept {
    if (memory == nullptr) return 0;
#if defined(__linux__)
    const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    std::array<unsigned char, 1024> resident{};
    std::int64_t pages = 0;
    for (std::size_t at = 0; at < size_bytes; at += resident.size() * page_bytes) {
        const std::size_t part = std::min(resident.size() * page_bytes, size_bytes - at);
        auto* const start =
            const_cast<std::byte*>(static_cast<const std::byte*>(memory)) + at; // asked about, not changed
        if (::mincore(start, part, resident.data()) != 0) return static_cast<std::int64_t>(size_bytes);
        pages += std::count_if(resident.begin(),
                               resident.begin() + static_cast<std::ptrdiff_t>((part + page_bytes - 1) / page_bytes),
                               [](unsigned char each) { return (each & 1U) != 0; });
    }
    return pages * static_cast<std::int64_t>(page_bytes);
#else
    return static_cast<std::int64_t>(size_bytes);
#endif
}

// A growing array of plain values in such pages. What was never written reads as zeros. One thread at a time.
template <class Value>
class page_array {
    static_assert(std::is_trivially_copyable_v<Value>);

  public:
    page_array() = default;
    page_array(page_array&& other) noexcept
        : values_(std::exchange(other.values_, nullptr)), capacity_(std::exchange(other.capacity_, 0)) {}
    page_array& operator=(page_array&& other) noexcept {
        std::swap(values_, other.values_);
        std::swap(capacity_, other.capacity_);
        return *this;
    }
    page_array(const page_array&) = delete;
    page_array& operator=(const page_array&) = delete;
    ~page_array() { release_pages(values_, capacity_ * sizeof(Value)); }

    // Room for `count` values. False, and as before, when the system has no memory for it.
    [[nodiscard]] bool grow(std::size_t count) noexcept {
        if (count <= capacity_) return true;
        const std::size_t capacity = std::max({count, 2 * capacity_, 16'384 / sizeof(Value)});
        auto* const values = static_cast<Value*>(reserve_pages(capacity * sizeof(Value)));
        if (values == nullptr) return false;
        if (capacity_ > 0) std::memcpy(static_cast<void*>(values), values_, capacity_ * sizeof(Value));
        release_pages(values_, capacity_ * sizeof(Value));
        values_ = values;
        capacity_ = capacity;
        return true;
    }
    void clear() noexcept { clear_pages(values_, capacity_ * sizeof(Value)); }

    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] Value* data() noexcept { return values_; }
    [[nodiscard]] Value& operator[](std::size_t index) noexcept { return values_[index]; }
    [[nodiscard]] const Value& operator[](std::size_t index) const noexcept { return values_[index]; }
    // The value, or zeros where the array does not reach.
    [[nodiscard]] Value at(std::size_t index) const noexcept { return index < capacity_ ? values_[index] : Value{}; }
    [[nodiscard]] std::int64_t resident() const noexcept { return resident_bytes(values_, capacity_ * sizeof(Value)); }

  private:
    Value* values_ = nullptr;
    std::size_t capacity_ = 0;
};

} // namespace peakscope::memory
