/* SPDX-License-Identifier: MIT */
/* Phases for code in C, or in C++ from C++98 on. One file of the program is C++20 and defines the phases
 * (profiler/phase_bridge.hpp), so that a misspelled one does not compile there:
 *
 *     // memory_phases.h, for all
 *     #include <peakscope/profiler/bridge.h>
 *     PEAKSCOPE_BRIDGED_PHASE(parsing_phase);
 *
 *     // parser.cpp, C++11
 *     peakscope_scope phase(parsing_phase);                       // until the end of the block
 *
 *     // parser.c
 *     peakscope_open_phase phase = peakscope_enter(&parsing_phase);
 *     ...
 *     peakscope_leave(&phase);                                     // on every way out
 *
 * Where nothing is measured, each costs a call through a pointer that does nothing; unlike a phase in C++20 it is not gone
 * from the machine code.
 */
#ifndef PEAKSCOPE_PROFILER_BRIDGE_H
#define PEAKSCOPE_PROFILER_BRIDGE_H

typedef struct peakscope_open_phase {
    const struct peakscope_phase* phase;
    void* storage[2]; /* the scope of C++ lies here */
} peakscope_open_phase;

typedef struct peakscope_phase {
    void (*enter)(void* storage);
    void (*leave)(void* storage);
} peakscope_phase;

/* Declares a phase that the C++20 file defines. */
#ifdef __cplusplus
#define PEAKSCOPE_BRIDGED_PHASE(name) extern "C" const peakscope_phase name
#else
#define PEAKSCOPE_BRIDGED_PHASE(name) extern const peakscope_phase name
#endif

static inline peakscope_open_phase peakscope_enter(const peakscope_phase* phase) {
    peakscope_open_phase opened;
    opened.phase = phase;
    phase->enter(opened.storage);
    return opened;
}
static inline void peakscope_leave(peakscope_open_phase* opened) { opened->phase->leave(opened->storage); }

#ifdef __cplusplus
class peakscope_scope {
  public:
    explicit peakscope_scope(const peakscope_phase& phase) : opened_(peakscope_enter(&phase)) {}
    ~peakscope_scope() { peakscope_leave(&opened_); }

  private:
    peakscope_scope(const peakscope_scope&);
    peakscope_scope& operator=(const peakscope_scope&);

    peakscope_open_phase opened_;
};
#endif

#endif
