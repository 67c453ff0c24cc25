// SPDX-License-Identifier: MIT
// The counting engine: exact live bytes, their peak and who held them then, for a few plain instructions per event.
//
// An *event* is one allocation or deallocation. Every thread counts its events in a record of its own, by the origin of
// the block (origin_table.hpp), and keeps the sum as *pending* bytes, which it adds to the shared sum when they exceed
// a batch: a *flush*. Nothing on that path is locked. A *cut* stops all threads between two events and collects the
// records; what lies between two cuts is an *interval*.
//
//     state.hpp          the data
//     event.hpp          an event in all its cases; how the peak is found, and who held it. Nearly all events are
//                        additions alone, and made by the functions that the program calls
//                        (heap/interpose/fast_path.hpp, capture.hpp)
//     slow_event.hpp     the slow path: what those functions do not count themselves
//     lifetimes.hpp      sizes and lifetimes of blocks, where a measurement asks for them
//     gate.hpp           how threads are stopped, and learn of what is new
//     cut.hpp            reading all threads at one moment
//     work.hpp           what a thread does for a phase
//     records.hpp        a thread's record; set-up; fork
//     end_of_thread.hpp  when a thread lets go of it
//     own_memory.hpp     what the profiler allocates for itself
#pragma once

#include <peakscope/engine/cut.hpp>
#include <peakscope/engine/event.hpp>
#include <peakscope/engine/gate.hpp>
#include <peakscope/engine/lifetimes.hpp>
#include <peakscope/engine/own_memory.hpp>
#include <peakscope/engine/records.hpp>
#include <peakscope/engine/slow_event.hpp>
#include <peakscope/engine/work.hpp>
