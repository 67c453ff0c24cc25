// SPDX-License-Identifier: MIT
// A value over time in bounded memory, however long the time: of each stretch of it, the lowest and the highest value
// that were added, with their times. When the stretches are used up, two and two become one. So every point that is
// kept was added as it is, and the extremes of all are among them.
#pragma once

#include <peakscope/memory/pages.hpp>
#include <peakscope/memory/resident.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace peakscope::memory {

struct series_point {
    std::int64_t nanoseconds; // of the clock that the caller has
    std::int64_t value;
};

// And what else was known then.
struct series_point_beside : series_point {
    std::int64_t beside;
};

template <class Point>
class series_of {
  public:
    using point = Point;
    static constexpr std::size_t most_stretches = 1024; // 40 KiB when all are used, and 56 with what was known beside

    series_of() = default;
    series_of(const series_of&) = delete;
    series_of& operator=(const series_of&) = delete;
    ~series_of() {
        resident_.give_back();
        release_pages(stretches_, most_stretches * sizeof(stretch));
    }

    // Once, before anything is added. False when the system has no memory for it; then nothing is kept.
    [[nodiscard]] bool begin(std::int64_t nanoseconds) noexcept {
        begin_ = nanoseconds;
        stretches_ = static_cast<stretch*>(reserve_pages(most_stretches * sizeof(stretch)));
        return stretches_ != nullptr;
    }

    // Any thread, signal handlers too. A point is dropped when another one is being added at that very moment.
    void add(const point& added) noexcept {
        if (stretches_ == nullptr || busy_.exchange(true, std::memory_order_acquire)) return;
        const std::uint64_t since =
            added.nanoseconds > begin_ ? static_cast<std::uint64_t>(added.nanoseconds - begin_) : 0;
        while (since >> shift_ >= most_stretches)
            halve();
        const std::size_t number = since >> shift_;
        resident_.reach(stretches_, (number + 1) * sizeof(stretch));
        stretches_[number].add(added);
        if (used_ <= number) used_ = number + 1;
        busy_.store(false, std::memory_order_release);
    }

    // What was added is gone. When nothing is added meanwhile.
    void begin_again(std::int64_t nanoseconds) noexcept {
        for (; used_ > 0; --used_)
            stretches_[used_ - 1] = {};
        begin_ = nanoseconds;
        shift_ = first_shift;
    }

    // In the order of time. When nothing is added any more.
    template <class Use>
    void for_each(Use use) const {
        for (std::size_t number = 0; number < used_; ++number) {
            const stretch& of = stretches_[number];
            if (!of.used) continue;
            const bool rises = of.lowest.nanoseconds <= of.highest.nanoseconds;
            use(rises ? of.lowest : of.highest);
            if (of.lowest.nanoseconds != of.highest.nanoseconds) use(rises ? of.highest : of.lowest);
        }
    }

  private:
    static constexpr unsigned first_shift = 10; // a microsecond each, to begin with

    struct stretch {
        point lowest;
        point highest;
        bool used;

        void add(const point& added) noexcept {
            if (!used || added.value < lowest.value) lowest = added;
            if (!used || added.value > highest.value) highest = added;
            used = true;
        }
    };

    void halve() noexcept {
        for (std::size_t number = 0; number < used_; ++number) {
            const stretch from = stretches_[number];
            stretches_[number] = {};
            if (!from.used) continue;
            stretches_[number / 2].add(from.lowest);
            stretches_[number / 2].add(from.highest);
        }
        used_ = (used_ + 1) / 2;
        ++shift_;
    }

    stretch* stretches_ = nullptr; // zeros where nothing was written
    resident_front resident_{};
    std::int64_t begin_ = 0;
    unsigned shift_ = first_shift;
    std::size_t used_ = 0;
    std::atomic<bool> busy_{false};
};

using bounded_series = series_of<series_point>;

} // namespace peakscope::memory
