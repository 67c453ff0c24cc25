// SPDX-License-Identifier: MIT
// The body of core/exclusive_claim.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/exclusive_claim.hpp>

#include <string>

namespace peakscope {

void exclusive_claim::take(const char* source) {
    if (taken_.exchange(true, std::memory_order_acq_rel))
        throw usage_error(
            std::string{source} +
            " serves one measurement at a time, and one is running: finish() it before the next one starts");
}

} // namespace peakscope
