// SPDX-License-Identifier: MIT
// What the parts of a report that say who allocated are made of: sums over origins, and which origins belong to what.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/memory/hash.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace peakscope::profiler_detail {

// Sums of amounts, and of the variances of estimates.
struct amount_sums : attributed_amounts {
    double at_peak_born_inside = 0;

    // All but the variance of the delta, which does not simply add up.
    void add_flow(const attributed_amounts& more) noexcept {
        using of = attributed_amounts;
        for (const auto each :
             {&of::allocated_bytes, &of::freed_bytes, &of::allocations, &of::deallocations, &of::allocated_variance})
            this->*each += more.*each;
    }
    void add_peak(const attributed_amounts& more, double born_inside_bytes) noexcept {
        using of = attributed_amounts;
        for (const auto each : {&of::at_peak_bytes, &of::at_peak_blocks, &of::at_peak_variance})
            this->*each += more.*each;
        at_peak_born_inside += born_inside_bytes;
    }

    [[nodiscard]] static std::optional<bytes> error(double variance, bool sampled) noexcept {
        return sampled ? std::optional{rounded_bytes(std::sqrt(std::max(variance, 0.0)))} : std::nullopt;
    }

    [[nodiscard]] site_amounts amounts(bool sampled) const noexcept {
        return {rounded_bytes(allocated_bytes - freed_bytes),
                std::llround(allocations - deallocations),
                rounded_bytes(at_peak_bytes),
                std::llround(at_peak_blocks),
                rounded_bytes(at_peak_born_inside),
                rounded_bytes(allocated_bytes),
                rounded_count(allocations),
                error(delta_variance, sampled),
                error(at_peak_variance, sampled),
                error(allocated_variance, sampled)};
    }
};

// For each window of an attribution, the windows inside it, itself among them: those whose flows are its own too.
// `parent_of(phase)` gives the number of the phase a phase lies in, or anything else at the root.
template <class ParentOf>
[[nodiscard]] std::vector<std::vector<std::size_t>> windows_inside(std::size_t count, ParentOf parent_of) {
    std::vector<std::vector<std::size_t>> inside(count);
    for (std::size_t window = 0; window < count; ++window) {
        inside[0].push_back(window);
        for (std::size_t outer = window; outer > 0 && outer < count; outer = parent_of(outer - 1) + 1)
            inside[outer].push_back(window);
    }
    return inside;
}

// For each stack, the number of the first that is the same.
[[nodiscard]] inline std::vector<std::size_t> first_of_same(const std::vector<std::vector<std::uintptr_t>>& stacks) {
    const auto hash_of = [](const std::vector<std::uintptr_t>* stack) {
        std::uint64_t hash = 0;
        for (const std::uintptr_t each : *stack)
            hash = memory::add_to_hash(hash, each);
        return static_cast<std::size_t>(memory::finished_hash(hash));
    };
    const auto are_same = [](const auto* one, const auto* other) { return *one == *other; };
    std::unordered_map<const std::vector<std::uintptr_t>*, std::size_t, decltype(hash_of), decltype(are_same)> first(
        stacks.size(), hash_of, are_same);
    std::vector<std::size_t> numbers;
    numbers.reserve(stacks.size());
    for (const auto& stack : stacks)
        numbers.push_back(first.try_emplace(&stack, numbers.size()).first->second);
    return numbers;
}

// A stack as a report shows it, without amounts. Files are relative to `root`.
[[nodiscard]] inline site_report site_of(named_stack named, const std::string& root) {
    site_report made;
    made.stack = std::move(named.frames);
    if (named.shown >= made.stack.size()) return made;
    const stack_frame& shown = made.stack[named.shown];
    made.function = shown.function;
    made.line = shown.line;
    made.file = !root.empty() && shown.file.starts_with(root) ? shown.file.str().substr(root.size()) : shown.file.str();
    if (made.line == 0) made.file = made.file.substr(made.file.rfind('/') + 1); // a program or a library
    return made;
}

} // namespace peakscope::profiler_detail
