// SPDX-License-Identifier: MIT
// A function that stands in a library's header, as far as the debug information says.
#pragma once

#include <string>

#line 1 "/usr/include/made_up/library.hpp"
[[gnu::noinline]] inline void library_appends(std::string& text) noexcept { text.append(200, 'x'); }
