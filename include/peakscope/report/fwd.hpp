// SPDX-License-Identifier: MIT
// The names of the report backends, for a header that only names a profiler type.
#pragma once

namespace peakscope::report {

struct none;
class console;
class json;

template <class... Backends>
class tee;

} // namespace peakscope::report
