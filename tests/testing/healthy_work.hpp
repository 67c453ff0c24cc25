// SPDX-License-Identifier: MIT
// Work whose memory comes and goes and fills up, and does not leak.
#pragma once

#include <cstddef>
#include <memory>
#include <random>
#include <vector>

namespace tests {

// What comes and goes and fills up, each from a call site of its own.
class healthy_work {
  public:
    explicit healthy_work(unsigned seed)
        : random_(seed), fills_until_(random_() % (60 * 4 / 5)), phase_(random_() % 10) {
        least_recently_used_.reserve(21);
        pool_.reserve(100);
        filled_.reserve(100);
        buffer_.reserve(10);
    }
    void run() {
        least_recently_used_.push_back(std::make_unique<char[]>(random_() % 1'000 + 1));
        if (least_recently_used_.size() > 20) least_recently_used_.erase(least_recently_used_.begin());
        for (const std::size_t wanted = random_() % 50; pool_.size() < wanted;)
            pool_.push_back(std::make_unique<char[]>(300));
        if (run_ < fills_until_) filled_.push_back(std::make_unique<char[]>(100));
        if ((run_ + phase_) % 10 == 0) buffer_.clear();
        buffer_.push_back(std::make_unique<char[]>(200));
        ++run_;
    }

  private:
    using blocks = std::vector<std::unique_ptr<char[]>>;
    std::minstd_rand random_;
    std::size_t fills_until_;
    std::size_t phase_;
    std::size_t run_ = 0;
    blocks least_recently_used_;
    blocks pool_; // as large as what was ever wanted at once
    blocks filled_;
    blocks buffer_; // emptied in every tenth run
};

} // namespace tests
