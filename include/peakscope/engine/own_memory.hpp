// SPDX-License-Identifier: MIT
// What is told apart from the program's memory, by thread and for a time: what the profiler allocates for itself, and
// what is ignored.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/engine/thread_record.hpp>

#include <cstdint>

namespace peakscope::engine {

// While one is alive, its counter in its thread's record is raised.
class set_apart_scope {
  public:
    PEAKSCOPE_BODY_ELSEWHERE explicit set_apart_scope(std::uint32_t thread_scopes::* scopes) noexcept;
    ~set_apart_scope();
    set_apart_scope(const set_apart_scope&) = delete;
    set_apart_scope& operator=(const set_apart_scope&) = delete;

  private:
    void change(int by) const noexcept;

    std::uint32_t thread_scopes::* scopes_;
};

// While one is alive, what its thread allocates is the profiler's own memory.
class own_memory_scope {
  public:
    own_memory_scope() noexcept : scope_(&thread_scopes::own_memory) {}
    ~own_memory_scope() = default;
    own_memory_scope(const own_memory_scope&) = delete;
    own_memory_scope& operator=(const own_memory_scope&) = delete;

  private:
    set_apart_scope scope_;
};

} // namespace peakscope::engine
