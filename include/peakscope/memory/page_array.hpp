// SPDX-License-Identifier: MIT
// A growing array of plain values in pages straight from the system. One thread at a time.
#pragma once

#include <peakscope/memory/pages.hpp>
#include <peakscope/memory/resident.hpp>

#include <cstddef>
#include <cstring>
#include <type_traits>
#include <utility>

namespace peakscope::memory {

template <class Value>
class page_array {
    static_assert(std::is_trivially_copyable_v<Value> && sizeof(Value) <= 4096); // a page has room for one

  public:
    page_array() = default;
    page_array(page_array&& other) noexcept { swap(other); }
    page_array& operator=(page_array&& other) noexcept {
        swap(other);
        return *this;
    }
    page_array(const page_array&) = delete;
    page_array& operator=(const page_array&) = delete;
    ~page_array() {
        resident_.give_back();
        release_pages(values_, capacity_ * sizeof(Value));
    }

    // False, and as before, when the system has no memory for it.
    [[nodiscard]] bool append(const Value& value) noexcept {
        if (!reserve(count_ + 1)) return false;
        resident_.reach(values_, (count_ + 1) * sizeof(Value));
        values_[count_++] = value;
        return true;
    }
    [[nodiscard]] bool assign(const page_array& other) noexcept {
        if (!reserve(other.count_)) return false;
        resident_.reach(values_, other.count_ * sizeof(Value));
        if (other.count_ != 0) std::memcpy(values_, other.values_, other.count_ * sizeof(Value));
        count_ = other.count_;
        return true;
    }
    // Its memory is kept.
    void clear() noexcept { count_ = 0; }

    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] const Value* begin() const noexcept { return values_; }
    [[nodiscard]] const Value* end() const noexcept { return values_ + count_; }
    [[nodiscard]] Value& operator[](std::size_t index) noexcept { return values_[index]; }
    [[nodiscard]] const Value& operator[](std::size_t index) const noexcept { return values_[index]; }

  private:
    [[nodiscard]] bool reserve(std::size_t count) noexcept {
        if (count <= capacity_) return true;
        std::size_t capacity = capacity_ != 0 ? capacity_ : page_bytes() / sizeof(Value);
        while (capacity < count)
            capacity *= 2;
        auto* const values =
            static_cast<Value*>(resize_pages(values_, capacity_ * sizeof(Value), capacity * sizeof(Value)));
        if (values == nullptr) return false;
        values_ = values;
        capacity_ = capacity;
        return true;
    }
    void swap(page_array& other) noexcept {
        std::swap(values_, other.values_);
        std::swap(capacity_, other.capacity_);
        std::swap(count_, other.count_);
        std::swap(resident_, other.resident_);
    }

    Value* values_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t count_ = 0;
    resident_front resident_{};
};

} // namespace peakscope::memory
