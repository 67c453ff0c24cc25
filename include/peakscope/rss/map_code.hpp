// SPDX-License-Identifier: MIT
// Keeps a program's own code out of its RSS figures.
//
// A page of code becomes resident when it first runs, and the kernel maps up to sixteen pages around it, aligned to the
// address. Under address randomisation that is another number in every run: a few percent of a small measurement. With
// all code mapped before the baseline, what a measurement adds to the RSS is data.
//
//     Memory memory{"100-page build", [] { peakscope::rss::map_code(); }};
#pragma once

#include <peakscope/core/body.hpp>

namespace peakscope::rss {

/// Makes the code and constants of the program and of its shared libraries resident, reading them from disk where need
/// be. Meant for the settling before a measurement; the baseline's RSS grows by what had not been touched. Returns
/// whether it could: Linux 5.14 and later can (madvise(2), MADV_POPULATE_READ). Libraries that are loaded later are not
/// covered.
PEAKSCOPE_BODY_ELSEWHERE bool map_code() noexcept;

} // namespace peakscope::rss
