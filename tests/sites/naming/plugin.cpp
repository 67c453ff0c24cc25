// SPDX-License-Identifier: MIT
// Loaded with dlopen.
#include <memory>
#include <string>

namespace {
const volatile void* volatile sink;
}

extern "C" void in_the_plugin();
extern "C" void in_the_plugin() {
    const auto number = std::make_unique<long double>(1.0L); // site: plugin-unique 16
    sink = number.get();
    std::string text;
    text.resize(299); // site: plugin-string 300
    sink = text.data();
}
