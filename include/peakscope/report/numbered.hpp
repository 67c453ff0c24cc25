// SPDX-License-Identifier: MIT
// Numbers for values that many rows of a document share: names, frames, stacks.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

namespace peakscope::report::detail {

// Each value once, by the number it has been given.
template <class Value>
class numbered {
  public:
    std::size_t number_of(const Value& value) {
        const auto [place, is_new] = numbers_.try_emplace(value, numbers_.size());
        if (is_new) in_order_.push_back(&place->first);
        return place->second;
    }
    [[nodiscard]] const std::vector<const Value*>& in_order() const noexcept { return in_order_; }

  private:
    std::map<Value, std::size_t> numbers_{};
    std::vector<const Value*> in_order_{};
};

} // namespace peakscope::report::detail
