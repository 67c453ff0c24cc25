// SPDX-License-Identifier: MIT
// What the profiler allocates for itself is told apart from the program's memory, by thread and for a time.
#pragma once

#include <peakscope/heap/records.hpp>

#include <cstdint>

namespace peakscope::heap::detail {

inline void count_nothing(thread_record&) noexcept {}

// While one is alive, what its thread allocates is the profiler's own memory.
class own_memory_scope {
  public:
    own_memory_scope() noexcept {
        with_record<count_nothing>(); // sees to it that there is one
        change(1);
    }
    ~own_memory_scope() { change(-1); }
    own_memory_scope(const own_memory_scope&) = delete;
    own_memory_scope& operator=(const own_memory_scope&) = delete;

  private:
    static void change(int by) noexcept {
        thread_record* const record = current_record;
        if (record == &no_record) return;
        record->own_memory_scopes += static_cast<std::uint32_t>(by);
        record->pass = record->new_pass = record->sampling_pass = thread_record::no_pass; // it is asked for at the gate
        record->hook = count_new_on;
    }
};

} // namespace peakscope::heap::detail
