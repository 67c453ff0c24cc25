// SPDX-License-Identifier: MIT
// The stacks of a document as tables that share what they have in common. Needs nlohmann-json.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/report/json_document.hpp>
#include <peakscope/report/numbered.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace peakscope::report::detail {

// Refers to what it is given: the report must outlive it.
class stack_tables {
  public:
    std::size_t number_of(const std::vector<stack_frame>& stack) {
        row made;
        std::vector<std::size_t> of_each_frame;
        bool one_address_a_call = true; // a call that was compiled to one: a function, and what is inlined into it
        for (std::size_t i = 0; i < stack.size(); ++i) {
            const stack_frame& each = stack[i];
            made.frames.push_back(frames_.number_of({each.function, each.file, each.line, each.inlined}));
            const std::size_t number = addresses_.number_of({each.address, each.module});
            of_each_frame.push_back(number);
            if (i == 0 || !stack[i - 1].inlined) made.addresses.push_back(number);
            one_address_a_call = one_address_a_call && made.addresses.back() == number;
        }
        if (!one_address_a_call) made.addresses = std::move(of_each_frame);
        return stacks_.number_of(made);
    }

    void write(json_document& document) const {
        document.table("stacks", stacks_.in_order(), [](const row* each) { return ordered_json(each->frames); });
        document.table("stack_addresses", stacks_.in_order(),
                       [](const row* each) { return ordered_json(each->addresses); });
        document.table("frames", frames_.in_order(), [](const frame* each) {
            const auto& [function, file, line, inlined] = *each;
            return ordered_json{{"function", function}, {"file", file}, {"line", line}, {"inlined", inlined}};
        });
        document.table("addresses", addresses_.in_order(), [](const place* each) {
            return ordered_json{each->first, each->second ? ordered_json(*each->second) : ordered_json(nullptr)};
        });
    }

  private:
    using frame = std::tuple<std::string_view, std::string_view, std::uint32_t, bool>;
    using place = std::pair<std::uint64_t, std::optional<std::uint32_t>>; // an address and its module
    struct row {
        std::vector<std::size_t> frames{};
        std::vector<std::size_t> addresses{};
        auto operator<=>(const row&) const = default;
    };

    numbered<frame> frames_{};
    numbered<place> addresses_{};
    numbered<row> stacks_{};
};

} // namespace peakscope::report::detail
