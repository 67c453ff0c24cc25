// SPDX-License-Identifier: MIT
// Sizes and lifetimes of blocks, by call stack, while a measurement asks for them. Every block then has sixteen bytes
// more in front of its header, that say when it was born, and every event takes the slow path: what the fast path runs
// otherwise is the same with this and without.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/engine/block_header.hpp>
#include <peakscope/engine/event.hpp>
#include <peakscope/engine/state.hpp>
#include <peakscope/memory/hash.hpp>
#include <peakscope/memory/number_index.hpp>
#include <peakscope/memory/page_array.hpp>
#include <peakscope/memory/pages.hpp>
#include <peakscope/memory/resident.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace peakscope::engine {

// The blocks of one call stack. All threads add to it, and each figure is exact.
struct alignas(64) lifetime_tally {
    static constexpr std::size_t size_classes = 48; // by how many bits a size has; what has more is in the last one

    std::atomic<std::uint64_t> sizes[size_classes];
    std::atomic<std::uint64_t> temporary;
    std::atomic<std::uint64_t> short_lived;
    std::atomic<std::uint64_t> short_lived_bytes;
    std::atomic<std::int64_t> live_bytes;
    std::atomic<std::int64_t> peak_bytes;
};

class lifetime_table {
  public:
    lifetime_table() = default;
    ~lifetime_table() {
        index_.release();
        resident_tallies_.give_back();
        resident_sites_.give_back();
        memory::release_pages(tallies_, limit_ * sizeof(lifetime_tally));
        memory::release_pages(sites_, limit_ * sizeof(*sites_));
    }
    lifetime_table(const lifetime_table&) = delete;
    lifetime_table& operator=(const lifetime_table&) = delete;

    // Before the first window, for windows that nest so deep. False when the system has no address space for it. May
    // throw std::bad_alloc.
    [[nodiscard]] bool begin(std::size_t limit, std::size_t depth) {
        open_entries_.reserve(depth + 1);
        limit_ = limit;
        births_before_ = state.births.load(std::memory_order_relaxed);
        tallies_ = static_cast<lifetime_tally*>(memory::reserve_pages(limit * sizeof(lifetime_tally)));
        sites_ = static_cast<std::atomic<std::uint32_t>*>(memory::reserve_pages(limit * sizeof(*sites_)));
        return tallies_ != nullptr && sites_ != nullptr;
    }

    // In a cut: an entry of a phase. There is room.
    void enter() noexcept { open_entries_.push_back(++entries_); }
    void leave() noexcept { open_entries_.pop_back(); }

    // Inside an event. The block is counted and of this origin.
    void add_birth(thread_record& record, void* block, origin from) noexcept {
        record.newest_birth = 0;
        const block_header& header = block_header::of(block);
        const std::uint32_t site = site_of(from);
        if (site == no_site || !header.has_birth()) return;
        record.newest_birth = state.births.fetch_add(1, std::memory_order_relaxed) + 1;
        block_header::birth_of(block) = {site, open_entries_.empty() ? 0 : open_entries_.back(), record.newest_birth};
        lifetime_tally& tally = tallies_[site];
        const auto size_class = static_cast<std::size_t>(std::bit_width(header.requested_bytes));
        tally.sizes[std::min(size_class, lifetime_tally::size_classes - 1)].fetch_add(1, std::memory_order_relaxed);
        const auto size = static_cast<std::int64_t>(header.requested_bytes);
        raise_peak(tally.peak_bytes, tally.live_bytes.fetch_add(size, std::memory_order_relaxed) + size);
    }
    void add_death(thread_record& record, const known_block& block) noexcept {
        const bool temporary = std::exchange(record.newest_birth, 0) == block.born.number;
        if (block.born.number <= births_before_) return; // in no measurement, or an earlier one
        lifetime_tally& tally = tallies_[block.born.site];
        tally.live_bytes.fetch_sub(static_cast<std::int64_t>(block.requested_bytes), std::memory_order_relaxed);
        if (temporary) tally.temporary.fetch_add(1, std::memory_order_relaxed);
        if (block.born.entry == 0 || !std::ranges::count(open_entries_, block.born.entry)) return;
        tally.short_lived.fetch_add(1, std::memory_order_relaxed);
        tally.short_lived_bytes.fetch_add(block.requested_bytes, std::memory_order_relaxed);
    }

    // When the measurement is over: what is known of a stack's blocks, or null.
    [[nodiscard]] const lifetime_tally* find(sites::stored_stack stack) const noexcept {
        const std::uint32_t site = find_site(state.stacks.place_of(stack));
        return site == no_site ? nullptr : &tallies_[site];
    }

  private:
    static constexpr std::uint32_t no_site = birth::no_site;

    [[nodiscard]] static std::uint64_t hash_of(std::uint32_t place) noexcept {
        return memory::finished_hash(memory::add_to_hash(0, place));
    }
    [[nodiscard]] std::uint32_t find_site(std::uint32_t place) const noexcept {
        return index_.find(hash_of(place), [&](std::uint32_t site) { return places_[site - 1] == place; });
    }
    // Sites are numbered from 1 on. An origin without a stack has none.
    [[nodiscard]] std::uint32_t site_of(origin from) noexcept {
        const sites::stored_stack stack = state.origins[from].stack;
        if (from == not_attributed || stack == nullptr) return no_site;
        if (from < known_origins_.load(std::memory_order_acquire))
            if (const std::uint32_t site = sites_[from].load(std::memory_order_acquire); site != no_site) return site;
        const std::lock_guard lock{state.tables_lock};
        const std::uint32_t place = state.stacks.place_of(stack);
        std::uint32_t site = find_site(place);
        if (site == no_site) {
            site = static_cast<std::uint32_t>(places_.size() + 1);
            if (site >= limit_ || !places_.append(place) ||
                !index_.insert(hash_of(place), site, [&](std::uint32_t other) { return hash_of(places_[other - 1]); }))
                return no_site;
            resident_tallies_.reach(tallies_, (site + std::size_t{1}) * sizeof(lifetime_tally));
        }
        resident_sites_.reach(sites_, (from + std::size_t{1}) * sizeof(*sites_));
        known_origins_.store(
            std::max<std::size_t>(known_origins_.load(std::memory_order_relaxed), from + std::size_t{1}),
            std::memory_order_release);
        sites_[from].store(site, std::memory_order_release);
        return site;
    }

    std::size_t limit_ = 0;
    std::uint64_t births_before_ = 0;
    lifetime_tally* tallies_ = nullptr;           // by site
    std::atomic<std::uint32_t>* sites_ = nullptr; // by origin
    std::atomic<std::size_t> known_origins_{0};   // of them, those whose page is counted
    memory::resident_front resident_tallies_{};
    memory::resident_front resident_sites_{};
    memory::page_array<std::uint32_t> places_{}; // of the stacks of sites, from 0 on
    memory::number_index index_{};
    std::vector<std::uint32_t> open_entries_{};
    std::uint32_t entries_ = 0;
};

// Of a stack that nothing came of while it was watched: none.
[[nodiscard]] inline lifetime_figures figures_of(const lifetime_tally* of) {
    lifetime_figures made;
    if (of == nullptr) return made;
    const auto now = [](const auto& figure) { return figure.load(std::memory_order_relaxed); };
    for (const auto& each : of->sizes)
        made.sizes.push_back(now(each));
    while (!made.sizes.empty() && made.sizes.back() == 0)
        made.sizes.pop_back();
    made.temporary = now(of->temporary);
    made.short_lived = now(of->short_lived);
    made.short_lived_bytes = bytes::of(now(of->short_lived_bytes));
    made.peak_bytes = bytes{now(of->peak_bytes)};
    return made;
}

} // namespace peakscope::engine
