// SPDX-License-Identifier: MIT
// The names of labels. A label has a number from its first use on, for the life of the process.
#pragma once

#include <peakscope/engine/engine.hpp>
#include <peakscope/engine/own_memory.hpp>
#include <peakscope/memory/blocked_signals.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace peakscope::engine {

class label_registry {
  public:
    // 0 for no name. What finds no number left has the last one, which all of them share; and so has a label in a
    // signal handler that has interrupted this very function.
    [[nodiscard]] std::uint16_t number_of(std::string_view name) {
        if (name.empty()) return 0;
        if (thread_is_inside_) return number_of_others();
        const inside_scope inside;
        const std::lock_guard lock{guard_};
        if (const auto found = numbers_.find(name); found != numbers_.end()) return found->second;
        if (names_.size() == limit() - 1) return number_of_others();
        return insert(name);
    }
    [[nodiscard]] std::vector<std::string> names() {
        const inside_scope inside;
        const std::lock_guard lock{guard_};
        std::vector<std::string> all = names_;
        if (others() > 0) {
            all.resize(limit());
            all.back() = "(other labels)";
        }
        return all;
    }
    [[nodiscard]] static std::size_t limit() noexcept { return std::min(most_labels, state.origins.limit() / 2); }
    // How often a label had no number of its own.
    [[nodiscard]] std::uint64_t others() const noexcept { return others_.load(std::memory_order_relaxed); }

  private:
    struct inside_scope {
        inside_scope() noexcept { thread_is_inside_ = true; }
        ~inside_scope() { thread_is_inside_ = false; }
        inside_scope(const inside_scope&) = delete;
        inside_scope& operator=(const inside_scope&) = delete;
    };

    [[nodiscard]] std::uint16_t number_of_others() noexcept {
        others_.fetch_add(1, std::memory_order_relaxed);
        raise_label_count(limit());
        return static_cast<std::uint16_t>(limit() - 1);
    }
    static void raise_label_count(std::size_t count) noexcept {
        std::size_t before = state.label_count.load(std::memory_order_relaxed);
        while (before < count && !state.label_count.compare_exchange_weak(before, count, std::memory_order_release)) {
        }
    }
    // A handler's blocks are not the profiler's own.
    [[nodiscard]] std::uint16_t insert(std::string_view name) {
        const memory::blocked_signals no_handlers;
        const own_memory_scope uncounted;
        const auto number = static_cast<std::uint16_t>(names_.size());
        names_.emplace_back(name);
        numbers_.emplace(name, number);
        state.label_pages.reach(state.labels, names_.size() * sizeof(label_total));
        raise_label_count(names_.size());
        return number;
    }

    static inline constinit thread_local bool thread_is_inside_ = false;
    std::atomic<std::uint64_t> others_{0};
    std::mutex guard_{};
    std::vector<std::string> names_{std::string{}}; // the first stands for no label
    std::map<std::string, std::uint16_t, std::less<>> numbers_{};
};

// Never destroyed: threads may have labels until the very end.
[[nodiscard]] inline label_registry& labels_of_process() {
    static label_registry& all = []() -> label_registry& {
        const own_memory_scope uncounted;
        return *new label_registry;
    }();
    return all;
}
[[nodiscard]] inline std::vector<std::string> label_names() { return labels_of_process().names(); }

inline void set_label(thread_record& record, std::uint16_t label, std::uint16_t& before) noexcept {
    const excluded_from_cuts in_progress{record};
    before = std::exchange(record.scopes.label, label);
    if (record.interval == state.interval) set_context(record); // else it will be, with the next event
}

// Puts the label in scope on this thread and returns the one that was.
inline std::uint16_t exchange_label(std::uint16_t label) noexcept {
    std::uint16_t before = 0;
    with_record<set_label>(label, before);
    return before;
}

} // namespace peakscope::engine
