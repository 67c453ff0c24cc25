// SPDX-License-Identifier: MIT
// sites::libbacktrace: names from debug information, with inlined functions. Needs libbacktrace (Debian: part of g++,
// -lbacktrace; clang++ finds its header with -idirafter "$(dirname "$(g++ -print-file-name=include/backtrace.h)")").
//
// The debug information of a program of 70 MB takes 300 MiB of memory to read. So children of fork read it, once for
// a report, and what they read is in no memory of the program; where one cannot be forked, dies, or takes longer than
// 30 seconds, names are looked up in the process, where the memory stays until it ends. With PEAKSCOPE_CACHE=FOLDER in
// the environment, names are kept from one run to the next: see sites/name_cache.hpp. A program that must not be forked
// uses sites::libbacktrace_in_process.
//
// Without debug information a frame is a function and an offset, from the symbol table, and the report says how to get
// lines. A library that is no longer loaded when the report is made has no names.
#pragma once

#include <peakscope/core/report.hpp>
#include <peakscope/sites/fwd.hpp>
#include <peakscope/sites/name_lookup.hpp>
#include <peakscope/sites/objects.hpp>
#include <peakscope/sites/stack.hpp>

#include <backtrace.h>

#include <cstdint>
#include <cstdlib>
#include <cxxabi.h>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace peakscope::sites {

namespace detail {

[[nodiscard]] inline std::string demangled(const char* symbol) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> name{abi::__cxa_demangle(symbol, nullptr, nullptr, &status),
                                                           &std::free};
    return status == 0 ? name.get() : symbol;
}

} // namespace detail

/// Reads debug information in this process.
struct libbacktrace_in_process {
    /// Adds the frames of a return address. One thread at a time.
    static void append(address return_address, std::vector<stack_frame>& frames) {
        const std::size_t before = frames.size();
        append_raw(return_address, frames);
        if (frames.size() == before) frames.emplace_back();
        detail::name_by_object(frames.back(), return_address);
    }

    /// The same, without what the address and its module are called where there is no name.
    static void append_raw(address return_address, std::vector<stack_frame>& frames) {
        // The call itself lies before the address that it returns to, and may be the last of its line.
        const std::uintptr_t call = return_address - 1;
        const std::size_t before = frames.size();
        lookup asked{frames, nullptr};
        backtrace_state* const state = state_now();
        if (state == nullptr) return;
        ::backtrace_pcinfo(state, call, on_frame, on_error, &asked);
        for (std::size_t i = before; i + 1 < frames.size(); ++i)
            frames[i].inlined = true;
        if (frames.size() == before) frames.emplace_back();
        if (!frames.back().function.empty()) return;
        asked.frame = &frames.back();
        asked.call = call;
        ::backtrace_syminfo(state, call, on_symbol, on_error, &asked);
    }

  private:
    struct lookup {
        std::vector<stack_frame>& frames;
        stack_frame* frame = nullptr;
        std::uintptr_t call = 0;
    };

    // What libbacktrace has read stays with it: its state cannot be given back. So there is one, and a new one only
    // when libraries have come or gone since.
    [[nodiscard]] static backtrace_state* state_now() {
        static backtrace_state* state = nullptr;
        static std::uint64_t of_loads = 0;
        const std::uint64_t loads = detail::loads_and_unloads();
        if (state == nullptr || loads != of_loads) state = ::backtrace_create_state(nullptr, 0, on_error, nullptr);
        of_loads = loads;
        return state;
    }

    static int on_frame(void* data, std::uintptr_t, const char* file, int line, const char* function) {
        if (file == nullptr && function == nullptr) return 0;
        stack_frame frame;
        if (function != nullptr) frame.function = detail::demangled(function);
        if (file != nullptr) frame.file = std::filesystem::path{file}.lexically_normal().string();
        frame.line = line > 0 ? static_cast<std::uint32_t>(line) : 0;
        static_cast<lookup*>(data)->frames.push_back(std::move(frame));
        return 0;
    }

    static void on_symbol(void* data, std::uintptr_t, const char* symbol, std::uintptr_t value, std::uintptr_t) {
        if (symbol == nullptr) return;
        const lookup& asked = *static_cast<lookup*>(data);
        asked.frame->function = detail::demangled(symbol) + "+" + detail::hexadecimal(asked.call + 1 - value);
    }

    // Nothing that libbacktrace cannot read is an error: the frame has fewer names.
    static void on_error(void*, const char*, int) {}
};

struct libbacktrace {
    /// Looks up all that is asked for next. One thread at a time, and so for `append`. Throws std::bad_alloc.
    void prepare(const std::vector<address>& all) { names_.prepare(all, &libbacktrace_in_process::append_raw); }

    /// Adds the frames of a return address.
    static void append(address return_address, std::vector<stack_frame>& frames) {
        if (!detail::name_lookup::append(return_address, frames))
            return libbacktrace_in_process::append(return_address, frames);
        detail::name_by_object(frames.back(), return_address);
    }

    /// How much of it was known, and the memory of the children that looked up the rest.
    [[nodiscard]] const naming_figures& figures() const noexcept { return names_.figures(); }

    [[nodiscard]] std::vector<std::string> notes() const {
        return names_.remark().empty() ? std::vector<std::string>{} : std::vector{names_.remark()};
    }

  private:
    detail::name_lookup names_;
};

} // namespace peakscope::sites
