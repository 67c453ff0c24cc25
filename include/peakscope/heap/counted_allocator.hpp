// SPDX-License-Identifier: MIT
// heap::counted_allocator: counts what goes through another allocator, for containers that take no memory resource.
//
//     peakscope::heap::instance_counter counts;
//     std::vector<int, peakscope::heap::counted_allocator<int>>
//     numbers{peakscope::heap::counted_allocator<int>{counts}};
//
// A copy counts where the original does, of whatever type it is. Two are equal when they count in the same place and
// their upstreams are equal: a block is freed where it was counted. The counter goes with the memory: a container that
// is moved or swapped takes it along; on copy assignment, and for a copy, the upstream decides as it does alone.
#pragma once

#include <peakscope/heap/instance_counter.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace peakscope::heap {

template <class Value, class Upstream = std::allocator<Value>>
class counted_allocator {
    using traits = std::allocator_traits<Upstream>;
    static_assert(std::is_same_v<typename traits::value_type, Value>,
                  "peakscope: the upstream of a counted_allocator allocates the same type");
    template <class, class>
    friend class counted_allocator;

  public:
    using value_type = Value;
    using pointer = typename traits::pointer;
    using const_pointer = typename traits::const_pointer;
    using size_type = typename traits::size_type;
    using difference_type = typename traits::difference_type;
    using propagate_on_container_copy_assignment = typename traits::propagate_on_container_copy_assignment;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;
    using is_always_equal = std::false_type;

    template <class Other>
    struct rebind {
        using other = counted_allocator<Other, typename traits::template rebind_alloc<Other>>;
    };

    /// `counts` must outlive every block.
    explicit counted_allocator(instance_counter& counts, const Upstream& upstream = Upstream()) noexcept
        : counts_(&counts), upstream_(upstream) {}
    counted_allocator(const counted_allocator&) = default;
    counted_allocator& operator=(const counted_allocator&) = default;
    template <class Other, class OtherUpstream>
    counted_allocator(const counted_allocator<Other, OtherUpstream>& other) noexcept // NOLINT: converts, as they all do
        : counts_(other.counts_), upstream_(other.upstream_) {}

    [[nodiscard]] pointer allocate(size_type count) {
        pointer blocks = traits::allocate(upstream_, count); // throws what it throws, and is not counted
        counts_->count_allocation(count * sizeof(Value));
        return blocks;
    }
    void deallocate(pointer blocks, size_type count) noexcept {
        counts_->count_deallocation(count * sizeof(Value));
        traits::deallocate(upstream_, blocks, count);
    }
    template <class Object, class... Arguments>
    void construct(Object* at, Arguments&&... arguments) {
        traits::construct(upstream_, at, std::forward<Arguments>(arguments)...);
    }
    template <class Object>
    void destroy(Object* object) {
        traits::destroy(upstream_, object);
    }
    [[nodiscard]] size_type max_size() const noexcept { return traits::max_size(upstream_); }
    [[nodiscard]] counted_allocator select_on_container_copy_construction() const {
        return counted_allocator{*counts_, traits::select_on_container_copy_construction(upstream_)};
    }

    [[nodiscard]] instance_counter& counts() const noexcept { return *counts_; }

    template <class Other, class OtherUpstream>
    [[nodiscard]] bool operator==(const counted_allocator<Other, OtherUpstream>& other) const noexcept {
        return counts_ == other.counts_ && upstream_ == Upstream(other.upstream_);
    }

  private:
    instance_counter* counts_;
    [[no_unique_address]] Upstream upstream_;
};

} // namespace peakscope::heap
