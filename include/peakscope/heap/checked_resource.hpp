// SPDX-License-Identifier: MIT
// heap::checked_resource: a heap::resource that tells what its users do wrong: a wrong size or alignment at
// deallocation, a block freed twice, a block that came from elsewhere, and blocks that are left when it is destroyed.
// With a site policy, each error names where the block was allocated, and where it was freed first.
//
//     #include <peakscope/sites/libbacktrace.hpp>
//     #include <peakscope/sites/unwind.hpp>
//     peakscope::heap::checked_resource<peakscope::sites::unwind<16>> memory;
//     my_container<int> under_test{&memory};
//
// An error goes to a handler. The default one writes the message to standard error and aborts; one of the user's own
// may collect them: it is then as if the wrong call had been right, or had not been. For tests: every event looks into
// a table under a lock. Any thread.
#pragma once

#include <peakscope/core/attribution.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/heap/fwd.hpp>
#include <peakscope/heap/resource.hpp>
#include <peakscope/sites/none.hpp>
#include <peakscope/sites/stack.hpp>
#include <peakscope/sites/symboliser.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <functional>
#include <memory_resource>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace peakscope::heap {

enum class misuse_kind { wrong_size, wrong_alignment, freed_twice, foreign_block, leaked };

/// One error. Of a foreign block, nothing is known but its address.
struct misuse {
    misuse_kind kind{};
    const void* block = nullptr;
    std::size_t size_bytes = 0; ///< as it was allocated
    std::size_t alignment = 0;
    std::size_t given_bytes = 0; ///< as the wrong call has it
    std::size_t given_alignment = 0;
    std::string allocated_at{}; ///< "file:line function"; empty without a site policy
    std::string freed_at{};     ///< of a block that was freed twice: where it was freed first
    std::string called_at{};    ///< where the wrong call is; of a leak empty
    std::string message{};      ///< all of it as one sentence
};

template <class Sites>
class checked_resource : public resource {
    static constexpr bool captures = !std::same_as<Sites, sites::none>;

  public:
    static constexpr const char* name = "checked_resource";
    using handler = std::function<void(const misuse&)>;

    explicit checked_resource(std::pmr::memory_resource* upstream = std::pmr::new_delete_resource(),
                              handler on_misuse = abort_with_message)
        : resource(upstream), on_misuse_(std::move(on_misuse)) {}
    /// Every block that is left is an error, the largest first, and is given back to the upstream resource.
    ~checked_resource() override {
        std::vector<std::pair<void*, record>> left;
        for (const auto& [block, known] : blocks_)
            if (!known.freed) left.emplace_back(block, known);
        std::ranges::sort(left, std::ranges::greater{}, [](const auto& each) { return each.second.size_bytes; });
        for (const auto& [block, known] : left) {
            tell(misuse_kind::leaked, block, known, 0, 0, {});
            resource::do_deallocate(block, known.size_bytes, known.alignment);
        }
    }

    void set_handler(handler on_misuse) { on_misuse_ = std::move(on_misuse); }

    [[noreturn]] static void abort_with_message(const misuse& error) {
        static_cast<void>(std::fprintf(stderr, "peakscope: %s\n", error.message.c_str()));
        std::abort();
    }

  protected:
    void* do_allocate(std::size_t size_bytes, std::size_t alignment) override {
        const stack here = stack_of(__builtin_frame_address(0));
        const std::lock_guard lock{guard_};
        blocks_.reserve(blocks_.size() + 1); // what may throw comes first
        void* const block = resource::do_allocate(size_bytes, alignment);
        blocks_[block] = record{size_bytes, alignment, false, next_number_++, here, {}};
        return block;
    }

    void do_deallocate(void* block, std::size_t size_bytes, std::size_t alignment) override {
        const stack here = stack_of(__builtin_frame_address(0));
        std::vector<std::pair<misuse_kind, record>> errors;
        {
            const std::lock_guard lock{guard_};
            const auto found = blocks_.find(block);
            if (found == blocks_.end()) {
                errors.emplace_back(misuse_kind::foreign_block, record{});
            } else if (found->second.freed) {
                errors.emplace_back(misuse_kind::freed_twice, found->second);
            } else {
                record& known = found->second;
                if (known.size_bytes != size_bytes) errors.emplace_back(misuse_kind::wrong_size, known);
                if (known.alignment != alignment) errors.emplace_back(misuse_kind::wrong_alignment, known);
                known.freed = true;
                known.freed_at = here;
                remember(block, known.number);
                resource::do_deallocate(block, known.size_bytes, known.alignment);
            }
        }
        for (const auto& [kind, known] : errors)
            tell(kind, block, known, size_bytes, alignment, here);
    }

  private:
    struct no_stack {};
    struct captured_stack {
        std::array<sites::address,
                   [] {
                       if constexpr (captures)
                           return Sites::max_frames;
                       else
                           return std::size_t{1};
                   }()>
            frames{};
        std::size_t depth = 0;
    };
    using stack = std::conditional_t<captures, captured_stack, no_stack>;

    struct record {
        std::size_t size_bytes = 0;
        std::size_t alignment = 0;
        bool freed = false;
        std::size_t number = 0; // tells blocks at one address apart
        stack allocated_at{};
        stack freed_at{};
    };

    // `frame` is that of the function that the user's code called.
    [[gnu::always_inline]] static stack stack_of([[maybe_unused]] const void* frame) noexcept {
        stack made;
        if constexpr (captures) {
            made.depth = Sites::walk(made.frames.data(), frame);
            if constexpr (sites::finds_stacks<Sites>) {
                captured_stack walked = made;
                made.depth = Sites::find({walked.frames.data(), walked.depth}, made.frames.data(), frame);
            }
        }
        return made;
    }

    // Freed blocks are known for a while, so that a second free is told from that of a foreign block.
    void remember(void* block, std::size_t number) {
        constexpr std::size_t most = 65'536;
        freed_.emplace_back(block, number);
        if (freed_.size() <= most) return;
        const auto [oldest, its_number] = freed_.front();
        freed_.pop_front();
        const auto found = blocks_.find(oldest);
        if (found != blocks_.end() && found->second.number == its_number) blocks_.erase(found);
    }

    // "file:line function" of the user's own frame.
    [[nodiscard]] static std::string place(const stack& of) {
        if constexpr (captures) {
            if (of.depth == 0) return {};
            attribution one;
            one.stacks.emplace_back(of.frames.begin(), of.frames.begin() + static_cast<std::ptrdiff_t>(of.depth));
            const named_stacks named = sites::name_stacks<typename Sites::symboliser>(one);
            const stack_frame& shown = named.stacks.front().frames.at(named.stacks.front().shown);
            const std::string at = shown.line > 0 ? ":" + std::to_string(shown.line) : "";
            return shown.file + at + (shown.function.empty() ? "" : " " + shown.function);
        }
        return {};
    }

    void tell(misuse_kind kind, const void* block, const record& known, std::size_t given_bytes,
              std::size_t given_alignment, const stack& here) const {
        misuse error{kind,
                     block,
                     known.size_bytes,
                     known.alignment,
                     given_bytes,
                     given_alignment,
                     place(known.allocated_at),
                     kind == misuse_kind::freed_twice ? place(known.freed_at) : "",
                     place(here),
                     {}};
        error.message = message_of(error);
        if (on_misuse_) on_misuse_(error);
    }

    [[nodiscard]] static std::string message_of(const misuse& error) {
        const auto at = [](const char* what, const std::string& where) {
            return where.empty() ? std::string{} : std::string{", "} + what + " at " + where;
        };
        const std::string size = std::to_string(error.size_bytes) + " bytes";
        const std::string born = at("allocated", error.allocated_at);
        const std::string called = at("deallocated", error.called_at);
        switch (error.kind) {
        case misuse_kind::wrong_size:
            return "a block of " + size + " was deallocated as one of " + std::to_string(error.given_bytes) + called +
                   born;
        case misuse_kind::wrong_alignment:
            return "a block of " + size + " aligned to " + std::to_string(error.alignment) +
                   " was deallocated as one aligned to " + std::to_string(error.given_alignment) + called + born;
        case misuse_kind::freed_twice:
            return "a block of " + size + " was deallocated twice" + called + at("first", error.freed_at) + born;
        case misuse_kind::foreign_block:
            return "a block was deallocated that this resource did not allocate" + called;
        case misuse_kind::leaked:
            break;
        }
        return "a block of " + size + " was left when the resource was destroyed" + born;
    }

    handler on_misuse_;
    std::mutex guard_{};
    std::unordered_map<void*, record> blocks_{};
    std::deque<std::pair<void*, std::size_t>> freed_{};
    std::size_t next_number_ = 0;
};

} // namespace peakscope::heap
