// SPDX-License-Identifier: MIT
// The bodies of sites/name_table.hpp. Numbers are written seven bits a byte, the lowest first (LEB128), and each string
// once: 0 and the string, and from then on its number, counted from 1.
#pragma once

#include <peakscope/core/shared_text.hpp>
#include <peakscope/sites/name_table.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peakscope::sites::detail {

class name_encoder {
  public:
    void number(std::uint64_t value) {
        for (; value >= 0x80; value >>= 7U)
            text_ += static_cast<char>(value | 0x80U);
        text_ += static_cast<char>(value);
    }
    void string(std::string_view value) {
        const auto [found, is_new] = numbers_.try_emplace(value, numbers_.size() + 1);
        if (!is_new) return number(found->second);
        number(0);
        number(value.size());
        text_ += value;
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

  private:
    std::string text_{};
    std::map<std::string_view, std::uint64_t> numbers_{}; // of strings that are the caller's
};

class name_decoder {
  public:
    explicit name_decoder(std::string_view text) : rest_(text) {}

    // Each of them is 0 or empty from the first mistake on.
    [[nodiscard]] std::uint64_t number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
            if (byte < 0x80) return value;
        }
        return fail();
    }
    [[nodiscard]] shared_text string() {
        const std::uint64_t which = number();
        if (which > 0) {
            if (which <= strings_.size()) return strings_[which - 1];
            fail();
            return {};
        }
        const std::uint64_t size = number();
        if (failed_ || size > rest_.size()) {
            fail();
            return {};
        }
        strings_.emplace_back(rest_.substr(0, size));
        rest_.remove_prefix(size);
        return strings_.back();
    }
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

  private:
    std::uint64_t fail() {
        failed_ = true;
        rest_ = {};
        return 0;
    }

    std::string_view rest_;
    std::vector<shared_text> strings_{};
    bool failed_ = false;
};

std::string encoded(const name_table& names) {
    name_encoder to;
    to.number(names.size());
    for (const auto& [at, frames] : names) {
        to.number(at);
        to.number(frames.size());
        for (const stack_frame& each : frames) {
            to.string(each.function);
            to.string(each.file);
            to.number(each.line);
            to.number(each.inlined ? 1 : 0);
        }
    }
    return to.take();
}

std::optional<name_table> decoded(std::string_view text) {
    name_decoder from{text};
    name_table names;
    for (std::uint64_t rest = from.number(); rest > 0 && !from.failed(); --rest) {
        std::vector<stack_frame>& frames = names[from.number()];
        for (std::uint64_t more = from.number(); more > 0 && !from.failed(); --more) {
            stack_frame& frame = frames.emplace_back();
            frame.function = from.string();
            frame.file = from.string();
            const std::uint64_t line = from.number();
            if (line > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
            frame.line = static_cast<std::uint32_t>(line);
            frame.inlined = from.number() != 0;
        }
    }
    if (from.failed() || !from.at_end()) return std::nullopt;
    return names;
}

} // namespace peakscope::sites::detail
