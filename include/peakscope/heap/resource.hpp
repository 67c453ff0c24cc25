// SPDX-License-Identifier: MIT
// heap::resource: a std::pmr::memory_resource that counts what goes through it, and a heap source of its own: the tool
// for tests of one container.
//
//     using Memory = peakscope::profiler<peakscope::phases<"fill">, peakscope::heap::resource>;
//     Memory memory{"a vector"};
//     std::pmr::vector<int> numbers{&memory.heap()};            // counted; lives no longer than the profiler
//     {
//         auto phase = memory.phase<"fill">();
//         numbers.assign(1'000, 0);
//     }
//     auto report = memory.finish();
//
// Counts per instance: any number of them, and profilers over them, side by side. Also without a profiler, by
// `counts()`. Requested bytes, exact, on any thread (if the upstream resource may be used on any).
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/heap/fwd.hpp>
#include <peakscope/heap/instance_counter.hpp>

#include <cstddef>
#include <memory_resource>
#include <optional>

namespace peakscope::heap {

class resource : public std::pmr::memory_resource {
  public:
    static constexpr const char* name = "resource";
    static constexpr const char* unit = "requested";

    /// `upstream` has the memory, and must live as long as this does.
    explicit resource(std::pmr::memory_resource* upstream = std::pmr::new_delete_resource()) : upstream_(upstream) {}
    resource(const resource&) = delete;
    resource& operator=(const resource&) = delete;

    [[nodiscard]] const instance_counter& counts() const noexcept { return counts_; }
    [[nodiscard]] std::pmr::memory_resource& upstream() const noexcept { return *upstream_; }

    /// Takes the memory from another resource from now on. Throws `usage_error` while a block is live.
    void set_upstream(std::pmr::memory_resource& upstream) {
        if (counts_.allocations() != counts_.deallocations())
            throw usage_error("heap::resource cannot change its upstream while blocks from the old one are live: set "
                              "it before the first allocation");
        upstream_ = &upstream;
    }

    // ---- as a heap source; called by the profiler ---------------------------------------------------------------

    using window = instance_counter::window;
    /// What the profiler allocates does not come from here.
    struct own_memory {};

    static constexpr void open() noexcept {}
    static constexpr void close() noexcept {}
    static constexpr void settle() noexcept {}
    void enter(window& inner, window*) noexcept { counts_.enter(inner); }
    heap_figures leave(window& inner, window*) noexcept { return counts_.leave(inner); }
    [[nodiscard]] static constexpr std::optional<bytes> own_bytes() noexcept { return std::nullopt; }
    [[nodiscard]] static constexpr const char* remark() noexcept { return ""; }

  protected:
    [[nodiscard]] instance_counter& counter() noexcept { return counts_; }

    void* do_allocate(std::size_t size_bytes, std::size_t alignment) override {
        void* const block = upstream_->allocate(size_bytes, alignment); // throws what it throws, and is not counted
        counts_.count_allocation(size_bytes);
        return block;
    }
    void do_deallocate(void* block, std::size_t size_bytes, std::size_t alignment) override {
        counts_.count_deallocation(size_bytes);
        upstream_->deallocate(block, size_bytes, alignment);
    }
    [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }

  private:
    std::pmr::memory_resource* upstream_;
    instance_counter counts_{};
};

} // namespace peakscope::heap
