// SPDX-License-Identifier: MIT
// Threads that work for phases, with every kind of scope: compiled with and without the lines that open them.
#include "memory.hpp"

#include <cstddef>
#include <string>
#include <thread>
#include <vector>

namespace {

std::size_t read_one(const std::string& line, std::vector<std::string>& into) {
    auto work = Memory::work<"reading">();
    auto label = Memory::label([&]() -> const std::string& { return line; });
    into.push_back(line + line);
    return into.back().size();
}

std::size_t write_one(const std::string& line) {
    auto work = Memory::work<"writing">();
    return std::string(line.rbegin(), line.rend()).size();
}

} // namespace

std::size_t read_and_write(const std::vector<std::string>& lines) {
    auto phase = Memory::phase<"reading">();
    std::vector<std::string> read;
    std::size_t characters = 0;
    std::thread worker([&] {
        for (const std::string& line : lines)
            characters += read_one(line, read);
    });
    worker.join();
    for (const std::string& line : read)
        characters += write_one(line);
    return characters;
}
