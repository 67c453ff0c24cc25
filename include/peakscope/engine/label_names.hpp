// SPDX-License-Identifier: MIT
// The names of labels. A label has a number from its first use on, for the life of the process.
#pragma once

#include <peakscope/engine/engine.hpp>
#include <peakscope/engine/own_memory.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace peakscope::engine {

class label_registry {
  public:
    // 0 when there are no more numbers: then the label's blocks are not told apart.
    [[nodiscard]] std::uint16_t number_of(std::string_view name) {
        const std::lock_guard lock{guard_};
        if (name.empty()) return 0;
        if (const auto found = numbers_.find(name); found != numbers_.end()) return found->second;
        if (names_.size() >= std::min(most_labels, state.origins.limit())) return 0;
        const auto number = static_cast<std::uint16_t>(names_.size());
        names_.emplace_back(name);
        numbers_.emplace(name, number);
        state.label_count.store(names_.size(), std::memory_order_release);
        return number;
    }
    [[nodiscard]] std::vector<std::string> names() {
        const std::lock_guard lock{guard_};
        return names_;
    }

  private:
    std::mutex guard_;
    std::vector<std::string> names_{std::string{}}; // the first stands for no label
    std::map<std::string, std::uint16_t, std::less<>> numbers_;
};

// Never destroyed: threads may have labels until the very end.
[[nodiscard]] inline label_registry& labels_of_process() {
    static label_registry& all = []() -> label_registry& {
        const own_memory_scope profilers;
        return *new label_registry;
    }();
    return all;
}
[[nodiscard]] inline std::vector<std::string> label_names() { return labels_of_process().names(); }

inline void set_label(thread_record& record, std::uint16_t label, std::uint16_t& before) noexcept {
    const aside in_progress{record};
    before = std::exchange(record.label, label);
    if (record.interval == state.interval) set_context(record); // else it will be, with the next event
}

// Puts the label in scope on this thread and returns the one that was.
inline std::uint16_t exchange_label(std::uint16_t label) noexcept {
    std::uint16_t before = 0;
    with_record<set_label>(label, before);
    return before;
}

} // namespace peakscope::engine
