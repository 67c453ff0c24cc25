// SPDX-License-Identifier: MIT
// What is told apart from the program's memory, by thread and for a time: what the profiler allocates for itself, and
// what is ignored.
#pragma once

#include <peakscope/engine/records.hpp>

#include <cstdint>

namespace peakscope::engine {

inline void count_nothing(thread_record&) noexcept {}

// While one is alive, its counter in its thread's record is raised.
class set_apart_scope {
  public:
    explicit set_apart_scope(std::uint32_t thread_record::* scopes) noexcept : scopes_(scopes) {
        with_record<count_nothing>(); // sees to it that there is one
        change(1);
    }
    ~set_apart_scope() { change(-1); }
    set_apart_scope(const set_apart_scope&) = delete;
    set_apart_scope& operator=(const set_apart_scope&) = delete;

  private:
    void change(int by) const noexcept {
        thread_record* const record = current_record;
        if (record == &no_record) return;
        record->*scopes_ += static_cast<std::uint32_t>(by);
        record->pass = record->new_pass = record->sampling_pass = thread_record::no_pass; // it is asked for at the gate
        record->hook = count_new_on;
    }

    std::uint32_t thread_record::* scopes_;
};

// While one is alive, what its thread allocates is the profiler's own memory.
class own_memory_scope {
  public:
    own_memory_scope() noexcept : scope_(&thread_record::own_memory_scopes) {}
    ~own_memory_scope() = default;
    own_memory_scope(const own_memory_scope&) = delete;
    own_memory_scope& operator=(const own_memory_scope&) = delete;

  private:
    set_apart_scope scope_;
};

} // namespace peakscope::engine
