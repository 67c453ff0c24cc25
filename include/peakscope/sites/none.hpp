// SPDX-License-Identifier: MIT
// No stacks: blocks are told apart by the phase they were born in and by their label alone.
#pragma once

#include <peakscope/sites/fwd.hpp>

namespace peakscope::sites {

struct none {};

} // namespace peakscope::sites
