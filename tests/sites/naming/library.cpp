// SPDX-License-Identifier: MIT
#include "library.hpp"

#include <string>
#include <vector>

namespace {
const volatile void* volatile sink;
}

void in_the_library() {
    std::vector<std::string> names;
    names.emplace_back("a name"); // site: library-vector 32
    sink = names.data();
    const std::string text(499, 'x'); // site: library-string 500
    sink = text.data();
}
