// SPDX-License-Identifier: MIT
// The profiler's share of the resident memory, which is taken out of every figure.
//
// Tables are known to the page. Headers are not, because they outlive their blocks: an allocator keeps most of what is
// freed, and the memory of 1,000 freed blocks is 16,000 bytes larger than it would be without headers. What is known
// are the headers of live blocks, which are all resident, and those of the heap when there were most blocks, which
// were. In between, the share is taken to be what it was then, less what lay in the memory that has gone since: as
// large a part of them as of what was freed. What that may be off by is part of the precision. It is never more than
// what is known on either side, nor than half of the anonymous memory that nothing live is in: an allocator's smallest
// block is as large as two headers.
#pragma once

#include <peakscope/core/body.hpp>
#include <peakscope/core/bytes.hpp>
#include <peakscope/core/own_residence.hpp>

namespace peakscope::rss::detail {

class own_share {
  public:
    struct estimate {
        bytes tables{};
        bytes headers{};
        bytes bound{}; // it is off by this much at most, on either side

        [[nodiscard]] bytes share() const noexcept { return tables + headers; }
    };

    // Before each reading.
    void set(const own_residence& now) noexcept {
        now_ = now;
        known_ = true;
    }
    // What was read: the RSS, the largest since the last reading, and how much of the RSS is anonymous.
    PEAKSCOPE_BODY_ELSEWHERE void read(bytes rss, bytes highest, bytes anonymous) noexcept;

    // How far the difference of the shares at two readings may be off, between which the RSS has changed by so much.
    // Where neither that nor the estimate has changed, nothing has come and nothing has gone; and what comes or goes is
    // headers for one half at most.
    PEAKSCOPE_BODY_ELSEWHERE [[nodiscard]] static bytes bound_between(const estimate& start, const estimate& end,
                                                                      bytes rss_change) noexcept;

    [[nodiscard]] bool known() const noexcept { return known_; }
    [[nodiscard]] auto live_bytes() const noexcept { return now_.live_bytes; }
    [[nodiscard]] const estimate& at_reading() const noexcept { return at_reading_; }
    // When RSS was largest since the reading before.
    [[nodiscard]] const estimate& at_highest() const noexcept { return at_highest_; }

  private:
    bool known_ = false;
    bool read_ = false;
    own_residence now_{};
    own_residence before_{};
    bytes kept_{};      // headers, as estimated
    bytes kept_heap_{}; // that they are in, with what is free in it
    bytes most_{};      // headers that there ever were
    estimate at_reading_{};
    estimate at_highest_{};
};

} // namespace peakscope::rss::detail
