// SPDX-License-Identifier: MIT
// Hashes of what is looked up. For tables of one process: nothing is kept that depends on them.
#pragma once

#include <cstdint>

namespace peakscope::memory {

inline constexpr std::uint64_t hash_factor = 0x9e3779b97f4a7c15U; // 2^64 / golden ratio
[[nodiscard]] constexpr std::uint64_t add_to_hash(std::uint64_t hash, std::uint64_t value) noexcept {
    return (hash ^ value) * hash_factor;
}
// The high bits of a product depend on all of it, the low ones do not.
[[nodiscard]] constexpr std::uint64_t finished_hash(std::uint64_t hash) noexcept { return hash ^ hash >> 32U; }

// A step of a generator (splitmix64), even, and far from any other sequence that starts from another state.
[[nodiscard]] constexpr std::uint64_t next_random(std::uint64_t& state) noexcept {
    std::uint64_t mixed = state += hash_factor;
    mixed = (mixed ^ mixed >> 30U) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ mixed >> 27U) * 0x94d049bb133111ebU;
    return mixed ^ mixed >> 31U;
}

} // namespace peakscope::memory
