// SPDX-License-Identifier: MIT
// Which allocation fails: for testing/faults.hpp, whose bodies are beside this.
#pragma once

#include <peakscope/engine/fault_hook.hpp>
#include <peakscope/engine/label_names.hpp>
#include <peakscope/sites/stack.hpp>
#include <peakscope/testing/faults.hpp>
#include <peakscope/testing/implementation/noexcept_frame.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <new>
#include <random>
#include <utility>
#include <vector>

namespace peakscope::testing::detail {

// Decides which allocation fails. Called inside of allocations: it allocates nothing.
class fault_decision {
  public:
    explicit fault_decision(const fault_options& options) : options_(options) {
        if (!options.label.empty()) label_ = engine::labels_of_process().number_of(options.label);
    }
    fault_decision(const fault_decision&) = delete;
    fault_decision& operator=(const fault_decision&) = delete;
    void only_at(std::vector<call_stack> stacks) { stacks_ = std::move(stacks); }

    // The nth allocation that the options admit; with `fails` false it is only looked at.
    void by_number(std::size_t number, bool fails) noexcept {
        seen_ = 0;
        fired_ = false;
        where_ = nullptr;
        leaves_no_exception_ = 0;
        number_ = number;
        fails_ = fails;
    }
    // The same again, but nothing fails.
    void look() noexcept { by_number(number_, false); }
    void at_random(double probability, std::uint64_t seed) {
        by_number(0, true);
        random_.seed(seed);
        probability_ = probability;
    }

    [[nodiscard]] bool fired() const noexcept { return fired_; }
    [[nodiscard]] call_stack where() const {
        if (where_ == nullptr) return {};
        const sites::stack_view stack = sites::view_of(where_);
        return {stack.frames, stack.frames + stack.depth};
    }

    /// When it was only looked at: a return address in the function that no exception could have left, or 0.
    [[nodiscard]] std::uintptr_t leaves_no_exception() const noexcept { return leaves_no_exception_; }

    static bool decide(void* self, const engine::faultable& allocation) noexcept {
        return static_cast<fault_decision*>(self)->shall_fail(allocation);
    }

  private:
    [[nodiscard]] bool shall_fail(const engine::faultable& allocation) noexcept {
        if (!admitted(allocation)) return false;
        ++seen_;
        const bool hit = number_ > 0 ? seen_ == number_ : std::generate_canonical<double, 32>(random_) < probability_;
        if (!hit) return false;
        if (!fired_) where_ = allocation.stack;
        fired_ = true;
        if (!fails_ && where_ != nullptr) leaves_no_exception_ = noexcept_frame(sites::view_of(where_).frames[0]);
        return fails_;
    }

    [[nodiscard]] bool admitted(const engine::faultable& allocation) const noexcept {
        if (allocation.requested_bytes < options_.least_bytes || allocation.requested_bytes > options_.most_bytes)
            return false;
        if (!options_.label.empty() && allocation.label != label_) return false;
        if (options_.site.empty()) return true;
        if (allocation.stack == nullptr) return false;
        const sites::stack_view stack = sites::view_of(allocation.stack);
        return std::ranges::any_of(stacks_, [&](const call_stack& each) {
            return std::equal(each.begin(), each.end(), stack.frames, stack.frames + stack.depth);
        });
    }

    const fault_options& options_;
    std::vector<call_stack> stacks_{};
    std::uint16_t label_ = 0;
    std::size_t number_ = 0;
    std::size_t seen_ = 0;
    bool fails_ = true;
    bool fired_ = false;
    sites::stored_stack where_ = nullptr;
    std::uintptr_t leaves_no_exception_ = 0;
    std::minstd_rand random_{};
    double probability_ = 0;
};

// Where a heap::resource has its memory from, and fails to have it.
class failing_upstream final : public std::pmr::memory_resource {
  public:
    explicit failing_upstream(fault_decision& decision) : decision_(decision) {}
    bool fails = false;

  private:
    void* do_allocate(std::size_t size_bytes, std::size_t alignment) override {
        if (fails && fault_decision::decide(&decision_, {size_bytes, 0, nullptr})) throw std::bad_alloc{};
        return std::pmr::new_delete_resource()->allocate(size_bytes, alignment);
    }
    void do_deallocate(void* block, std::size_t size_bytes, std::size_t alignment) override {
        std::pmr::new_delete_resource()->deallocate(block, size_bytes, alignment);
    }
    [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }

    fault_decision& decision_;
};

} // namespace peakscope::testing::detail
