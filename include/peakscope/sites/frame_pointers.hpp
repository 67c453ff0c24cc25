// SPDX-License-Identifier: MIT
// The code whose functions keep frame pointers, as far as is known.
#pragma once

#include <peakscope/sites/stack.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

#if defined(__linux__)
#include <link.h>
#endif

namespace peakscope::sites::detail {

struct code_range {
    address low = UINTPTR_MAX;
    address high = 0;
    [[nodiscard]] bool holds(address at) const noexcept { return at >= low && at < high; }
};

// Where the program's own code lies; libraries are not in it.
[[nodiscard]] inline code_range code_of_program() noexcept {
    code_range found;
#if defined(__linux__)
    static_cast<void>(::dl_iterate_phdr(
        [](dl_phdr_info* object, std::size_t, void* result) {
            auto& range = *static_cast<code_range*>(result);
            for (int i = 0; i < object->dlpi_phnum; ++i) {
                const auto& segment = object->dlpi_phdr[i];
                if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
                range.low = object->dlpi_addr + segment.p_vaddr;
                range.high = range.low + segment.p_memsz;
            }
            return 1; // the program comes first
        },
        &found));
#endif
    return found;
}

// A part of the program's code, which can only shrink. Its two ends may be read while it does: what lies between is
// then still a part of what it was.
class trusted_code {
  public:
    [[nodiscard]] code_range now() const noexcept {
        return {low_.load(std::memory_order_relaxed), high_.load(std::memory_order_relaxed)};
    }

    // Nothing is trusted before.
    void set_up() noexcept {
        if (set_up_.load(std::memory_order_relaxed) || set_up_.exchange(true, std::memory_order_relaxed)) return;
#if defined(__x86_64__)
        const code_range all = code_of_program();
#else
        const code_range all{0, UINTPTR_MAX}; // there are no rules for the rest
#endif
        high_.store(all.high, std::memory_order_relaxed);
        low_.store(all.low, std::memory_order_relaxed);
    }

    // The function that returns to `at` keeps none. The larger part of the code remains; nothing, when there are so
    // many of them that the program was hardly built for it.
    void leave_out(address at) noexcept {
        const code_range range = now();
        if (!range.holds(at)) return;
#if defined(__x86_64__)
        constexpr int enough = 32;
#else
        constexpr int enough = 0;
#endif
        if (left_out_.fetch_add(1, std::memory_order_relaxed) >= enough)
            high_.store(range.low, std::memory_order_relaxed);
        else if (at - range.low > range.high - at)
            high_.store(at, std::memory_order_relaxed);
        else
            low_.store(at + 1, std::memory_order_relaxed);
    }

  private:
    std::atomic<address> low_{UINTPTR_MAX};
    std::atomic<address> high_{0};
    std::atomic<bool> set_up_{false};
    std::atomic<int> left_out_{0};
};
inline constinit trusted_code code_with_frame_pointers;

} // namespace peakscope::sites::detail
