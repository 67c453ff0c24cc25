// SPDX-License-Identifier: MIT
// A plugin that allocates when it is loaded, when it is called, and that frees when it is unloaded.
#include <cstdlib>
#include <cstring>
#include <string>

namespace {
struct held_while_loaded {
    void* block = std::malloc(100'000);
    std::string text = std::string(50'000, 'x');
    ~held_while_loaded() { std::free(block); }
} held;
} // namespace

extern "C" {

// One block of 1,000 bytes by malloc, one of 7 by strdup, one of 2,000 by operator new: the last is freed.
void* plugin_allocates() {
    // Volatile: else a compiler leaves out what is freed again.
    char* const volatile copy = ::strdup("peak..");
    void* const volatile block = std::malloc(1'000);
    void* const volatile made = ::operator new(2'000);
    static_cast<char*>(block)[0] = held.text[0];
    ::operator delete(made);
    std::free(copy);
    return block;
}

} // extern "C"
