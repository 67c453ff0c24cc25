// SPDX-License-Identifier: MIT
// The stacks of a document, for the reader of reports. Needs nlohmann-json.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/report/json_place.hpp>

#include <cstddef>
#include <optional>
#include <vector>

namespace peakscope::report::detail {

// The stacks of a document. In /1, each site had its own, written out; later, frames had their addresses.
class json_stacks {
  public:
    json_stacks(const json_place& document, std::size_t modules) {
        if (!document.has("stacks")) return;
        document["frames"].for_each([&](const json_place& each) {
            frames_.push_back(each.as<stack_frame>());
            if (frames_.back().module) check_module(each["module"], modules);
        });
        document["stacks"].for_each([&](const json_place& stack) {
            stacks_.emplace_back();
            stack.for_each([&](const json_place& each) {
                stacks_.back().push_back({each.index(frames_.size(), "the number of a frame"), {}});
            });
        });
        if (document.has("stack_addresses")) read_addresses(document, modules);
    }

    [[nodiscard]] std::vector<stack_frame> at(const json_place& place) const {
        std::vector<stack_frame> made;
        if (stacks_.empty()) {
            place.for_each([&](const json_place& each) { made.push_back(each.as<stack_frame>()); });
            return made;
        }
        for (const numbers& each : stacks_[place.index(stacks_.size(), "the number of a stack")]) {
            made.push_back(frames_[each.frame]);
            if (!each.address) continue;
            made.back().address = addresses_[*each.address].address;
            made.back().module = addresses_[*each.address].module;
        }
        return made;
    }

  private:
    struct numbers {
        std::size_t frame = 0;
        std::optional<std::size_t> address{};
    };

    static void check_module(const json_place& place, std::size_t modules) {
        static_cast<void>(place.index(modules, "the number of a module"));
    }

    void read_addresses(const json_place& document, std::size_t modules) {
        document["addresses"].for_each([&](const json_place& each) {
            stack_frame& made = addresses_.emplace_back();
            each.element(0).read(made.address);
            each.element(1).read(made.module);
            if (made.module) check_module(each.element(1), modules);
        });
        std::size_t number = 0;
        document["stack_addresses"].for_each([&](const json_place& each) {
            if (number < stacks_.size()) read_addresses(each, stacks_[number]);
            ++number;
        });
        if (number != stacks_.size()) document["stack_addresses"].fail("has not one row for each stack");
    }

    void read_addresses(const json_place& from, std::vector<numbers>& stack) const {
        std::vector<std::size_t> addresses;
        from.for_each([&](const json_place& each) {
            addresses.push_back(each.index(addresses_.size(), "the number of an address"));
        });
        const bool one_each = addresses.size() == stack.size();
        std::size_t used = 0;
        for (std::size_t i = 0; i < stack.size(); ++i) {
            if (one_each || i == 0 || !frames_[stack[i - 1].frame].inlined) ++used;
            if (used <= addresses.size()) stack[i].address = addresses[used - 1];
        }
        if (used != addresses.size()) from.fail("has not one number for each address of its stack");
    }

    std::vector<stack_frame> frames_{};
    std::vector<stack_frame> addresses_{}; // of the address and its module
    std::vector<std::vector<numbers>> stacks_{};
};

} // namespace peakscope::report::detail
