// SPDX-License-Identifier: MIT
// The names of the report backends, for a header that only names a profiler type.
#pragma once

#include <peakscope/core/language.hpp>

namespace peakscope::report {

struct none;
class console;
class dhat;
class firefox;
class folded;
class json;
class json_lines;
class html;
class markdown;
class pprof;
class speedscope;
class trace;

template <class... Backends>
class tee;
template <class... Backends>
class by_name;

} // namespace peakscope::report
