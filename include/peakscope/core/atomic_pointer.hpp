// SPDX-License-Identifier: MIT
// A pointer that threads may read while one of them changes it. All that std::atomic would be used for in the header
// that every file with a phase includes; <atomic> alone would take most of that header's compile time.
#pragma once

#if !defined(__GNUC__)
#include <atomic>
#endif

namespace peakscope {

/// What one thread stores, another that loads it sees together with all that came before the store.
template <class Pointee>
class atomic_pointer {
  public:
    constexpr atomic_pointer() noexcept = default;
    atomic_pointer(const atomic_pointer&) = delete;
    atomic_pointer& operator=(const atomic_pointer&) = delete;

#if defined(__GNUC__) // g++ and clang++
    [[nodiscard]] Pointee* load() const noexcept { return __atomic_load_n(&pointer_, __ATOMIC_ACQUIRE); }
    void store(Pointee* pointer) noexcept { __atomic_store_n(&pointer_, pointer, __ATOMIC_RELEASE); }

  private:
    Pointee* pointer_ = nullptr;
#else
    [[nodiscard]] Pointee* load() const noexcept { return pointer_.load(std::memory_order_acquire); }
    void store(Pointee* pointer) noexcept { pointer_.store(pointer, std::memory_order_release); }

  private:
    std::atomic<Pointee*> pointer_{nullptr};
#endif
};

} // namespace peakscope
