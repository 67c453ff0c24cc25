// SPDX-License-Identifier: MIT
// Allocates known amounts in known lines. A line that allocates says so at its end: the name of the case, and how many
// bytes are allocated there in all. check_naming.py reads that, and the report that this program prints.
//
// Usage: program PLUGIN [--unload]
#include "../../json_report.hpp"
#include "library.hpp"

#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/sites/addr2line.hpp>
#include <peakscope/sites/frames.hpp>
#include <peakscope/sites/libbacktrace.hpp>
#include <peakscope/sites/unwind.hpp>

#include <array>
#include <cstddef>
#include <dlfcn.h>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace {

// POLICY is given on the command line, frames or unwind, and so is SYMBOLISER.
using Memory =
    peakscope::profiler<peakscope::phases<>,
                        peakscope::heap::counting<peakscope::sites::POLICY<16, peakscope::sites::SYMBOLISER>>,
                        peakscope::rss::none, json_report>;

// What is stored here is not optimised away.
const volatile void* volatile sink;

[[gnu::noinline]] void plain_new() {
    auto* const block = new std::array<char, 4'096>; // site: plain-new 4096
    sink = block->data();
    delete block;
}

[[gnu::noinline]] void array_new(std::size_t count) {
    auto* const block = new long[count]; // site: array-new 800
    sink = block;
    delete[] block;
}

[[gnu::noinline]] void vector_growth() {
    std::vector<int> numbers;
    for (int i = 0; i < 100; ++i)
        numbers.push_back(i); // site: vector-growth 1020
    sink = numbers.data();
}

[[gnu::noinline]] void vector_reserve() {
    std::vector<double> numbers;
    numbers.reserve(50); // site: vector-reserve 400
    sink = numbers.data();
}

[[gnu::noinline]] void string_made(std::size_t length) {
    const std::string text(length, 'x'); // site: string-made 1001
    sink = text.data();
}

[[gnu::noinline]] void string_grown(const char* more) {
    std::string text;
    text.append(more); // site: string-append 41
    sink = text.data();
}

[[gnu::noinline]] void map_nodes() {
    std::map<int, int> squares;
    for (int i = 0; i < 10; ++i)
        squares[i] = i * i; // site: map-nodes 400
    sink = &squares.begin()->second;
}

struct large {
    std::array<char, 1'000> content;
};

[[gnu::noinline]] void made_shared() {
    const auto shared = std::make_shared<large>(); // site: make-shared 1016
    sink = shared.get();
}

inline char* inlined_helper(std::size_t size_bytes) {
    auto* const block = new char[size_bytes]; // site: inlined-helper 333
    sink = block;
    return block;
}
[[gnu::noinline]] void calls_inlined_helper() { delete[] inlined_helper(333); }

template <class Value>
[[gnu::noinline]] void templated(const Value& value) {
    auto* const copy = new Value(value); // site: template 24
    sink = copy;
    delete copy;
}

[[gnu::noinline]] void lambdas() {
    const auto allocate = [](std::size_t count) {
        auto* const block = new short[count]; // site: lambda 222
        sink = block;
        delete[] block;
    };
    const std::function<void(std::size_t)> indirect = allocate;
    indirect(111);
}

[[gnu::noinline]] int recursive(int depth) {
    auto* const block = new std::array<char, 64>; // site: recursion 320
    sink = block;
    const int below = depth > 1 ? recursive(depth - 1) : 0;
    delete block;
    return below + 1;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    const bool unload = argc > 2;
    Memory memory{"naming"};
    plain_new();
    array_new(100);
    vector_growth();
    vector_reserve();
    string_made(1'000);
    string_grown("forty characters, which is a long string");
    map_nodes();
    made_shared();
    calls_inlined_helper();
    templated(std::array<double, 3>{});
    lambdas();
    sink = &memory + recursive(5);
    in_the_library();
    void* plugin = nullptr;
    {
        const peakscope::heap::counting<>::own_memory not_the_programs;
        plugin = ::dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    }
    if (plugin == nullptr) {
        std::cerr << ::dlerror() << '\n';
        return 2;
    }
    reinterpret_cast<void (*)()>(::dlsym(plugin, "in_the_plugin"))();
    if (unload) ::dlclose(plugin);
    static_cast<void>(memory.finish());
}
