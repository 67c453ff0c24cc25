// SPDX-License-Identifier: MIT
// 10,000 random programs on one thread: every figure of every window, and who allocated what it held at its peak and at
// its end, to the byte.
#include "counted_heap.hpp"
#include "lifetimes.hpp"
#include "origins.hpp"
#include "programs.hpp"

#include "../invariants.hpp"

#include <peakscope/sites/caller.hpp>

#include <doctest/doctest.h>

#include <new>
#include <random>
#include <stdexcept>
#include <type_traits>

namespace oracle_tests {

namespace {

using Sites = peakscope::sites::caller<peakscope::sites::addresses>;
using by_site = peakscope::profiler<tests::Phases, tests::counted_heap<Sites>>;
using with_lifetimes = peakscope::profiler<tests::Phases, tests::counted_heap<Sites, peakscope::heap::lifetimes>>;

template <class Memory>
class program {
  public:
    explicit program(unsigned seed) : random_(seed) {
        // Made before the measurement, so that the test's own bookkeeping is in no figure.
        log_.reserve(8'000); // never outgrown: `allocate` and `enter` stop well before
        blocks_.reserve(2'000);
        for (int i = 0; i < 20; ++i)
            allocate(); // live before the baseline; freed inside or after
        log_.clear();
    }

    peakscope::memory_report run() {
        Memory memory{"random program"};
        try {
            block_of_steps(peakscope::phase_info::root, 0);
        } catch (int) {
        }
        peakscope::memory_report report = memory.finish();
        measured_events_ = log_.size();
        while (!blocks_.empty())
            release(blocks_.size() - 1);
        log_.resize(measured_events_);
        return report;
    }

    [[nodiscard]] const std::vector<tests::event>& log_of_measurement() const { return log_; }

  private:
    struct block {
        void* address;
        std::size_t size_bytes;
        std::size_t alignment;
        std::size_t number;
    };

    std::size_t below(std::size_t limit) { return random_() % limit; }

    // Mostly small, some past the batch, zero too.
    std::size_t some_size() {
        switch (below(20)) {
        case 0:
            return 0;
        case 1:
            return 30'000 + below(10'000);
        case 2:
            return below(200'000);
        default:
            return below(2'000);
        }
    }

    void log(tests::event::kind_of kind, std::size_t size_bytes, std::size_t phase = 0, std::size_t number = 0,
             std::size_t site = 0, std::size_t call = 0) {
        log_.push_back({kind, static_cast<std::int64_t>(size_bytes), phase, number, site, label_, call});
    }

    void allocate() {
        if (blocks_.size() == blocks_.capacity() || log_.size() > 3'000) return;
        const std::size_t size_bytes = some_size();
        const std::size_t alignment = below(10) == 0 ? std::size_t{32} << below(6) : 0;
        const std::size_t site = below(tests::allocating_count);
        void* const address = tests::allocating_sites[site](size_bytes, alignment);
        log(tests::event::allocated, size_bytes, 0, next_number_, site, tests::call_of(size_bytes, alignment));
        blocks_.push_back({address, size_bytes, alignment, next_number_++});
    }

    void release(std::size_t index) {
        const block freed = blocks_[index];
        blocks_[index] = blocks_.back();
        blocks_.pop_back();
        log(tests::event::freed, freed.size_bytes, 0, freed.number);
        tests::deallocate(freed.address, freed.size_bytes, freed.alignment, below(2) == 0);
    }

    // As a vector grows: a larger block, then the old one goes.
    void grow() {
        allocate();
        if (blocks_.size() > 1) release(below(blocks_.size() - 1));
    }

    // One event in which a block ends and another begins. What fails has not happened.
    void resize() {
        if (blocks_.empty() || log_.size() > 3'000) return;
        block& resized = blocks_[below(blocks_.size())];
        const std::size_t site = below(tests::resizing_count);
        constexpr std::size_t no_memory = SIZE_MAX / 256;
        if (below(10) == 0 && tests::resizing_sites[site](resized.address, no_memory) != nullptr)
            throw std::logic_error{"more memory than there is"};
        const std::size_t size_bytes = some_size() + 1;
        resized.address = tests::resizing_sites[site](resized.address, size_bytes);
        log(tests::event::freed, resized.size_bytes, 0, resized.number);
        resized = {resized.address, size_bytes, 0, next_number_++};
        log(tests::event::allocated, size_bytes, 0, resized.number, tests::allocating_count + site);
    }

    void enter(std::size_t phase, int depth) {
        struct log_leaving {
            program& in;
            std::size_t phase;
            ~log_leaving() { in.log(tests::event::left, 0, phase); }
        };
        tests::with_phase<Memory>(phase, [&](auto open) {
            auto scope = open();
            log(tests::event::entered, 0, phase);
            const log_leaving leaving{*this, phase};
            block_of_steps(phase, depth + 1);
        });
    }

    // Another label for a while; labels nest, and end with exceptions too.
    void under_a_label(std::size_t phase, int depth) {
        const std::size_t outer = label_;
        struct put_back {
            std::size_t& label;
            std::size_t outer;
            ~put_back() { label = outer; }
        };
        label_ = below(tests::label_names.size());
        auto scope = Memory::label(tests::label_names[label_]);
        const put_back at_the_end{label_, outer};
        block_of_steps(phase, depth);
    }

    void block_of_steps(std::size_t phase, int depth) {
        const std::vector<std::size_t>& children = children_[phase + 1]; // the root is -1
        for (std::size_t steps = 5 + below(40); steps > 0; --steps) {
            const std::size_t what = below(100);
            if (what < 3 && labels_open_ < 3) {
                ++labels_open_;
                struct count_down {
                    int& count;
                    ~count_down() { --count; }
                };
                const count_down at_the_end{labels_open_};
                under_a_label(phase, depth);
            } else if (what < 45) {
                allocate();
            } else if (what < 75) {
                if (!blocks_.empty()) release(below(blocks_.size()));
            } else if (what < 85) {
                if (tests::over_malloc && below(2) == 0)
                    resize();
                else
                    grow();
            } else if (what < 97) {
                if (children.empty() || log_.size() > 3'000) continue;
                try {
                    enter(children[below(children.size())], depth);
                } catch (int levels) {
                    if (levels > 1) throw levels - 1;
                }
            } else if (what < 99 && depth > 0 && !tests::over_malloc) { // there, an exception is a block itself
                throw 1 + static_cast<int>(below(3));
            }
        }
    }

    std::mt19937 random_;
    std::vector<tests::event> log_;
    std::size_t measured_events_ = 0;
    std::vector<block> blocks_;
    std::size_t next_number_ = 0;
    std::size_t label_ = 0;
    int labels_open_ = 0;
    std::vector<std::vector<std::size_t>> children_ = tests::children_by_phase();
};

template <class Memory>
void check_programs(unsigned programs) {
    unsigned differences = 0;
    unsigned differences_of_lifetimes = 0;
    std::uint64_t temporary = 0;
    std::uint64_t short_lived = 0;
    std::uint64_t events = 0;
    std::uint64_t windows = 0;
    unsigned differences_of_origins = 0;
    std::uint64_t rows = 0;
    std::uint64_t labels = 0;
    for (unsigned seed = 0; seed < programs; ++seed) {
        program<Memory> under_test{seed};
        const peakscope::memory_report report = under_test.run();
        const std::vector<tests::event>& log = under_test.log_of_measurement();
        const tests::expectation expected = tests::replay(log);
        const tests::expectation actual = tests::reported(report);
        events += log.size();
        for (const auto& [phase, window] : actual)
            windows += window.entries;
        if (expected != actual || report.heap.peak_precision != peakscope::exact) {
            ++differences;
            MESSAGE("program " << seed << " differs: " << tests::first_difference(expected, actual));
        }
        tests::check_invariants(report);
        const tests::origin_expectation expected_origins = tests::origin_oracle{}.replay(log);
        const tests::origin_expectation actual_origins = tests::reported_origins(report);
        if (expected_origins != actual_origins || report.sites_precision != peakscope::exact) {
            ++differences_of_origins;
            MESSAGE("program " << seed << " differs in where blocks come from: "
                               << tests::first_difference(expected_origins, actual_origins));
        }
        const tests::lifetime_expectation lifetimes = tests::reported_lifetimes(report);
        differences_of_lifetimes +=
            std::is_same_v<Memory, with_lifetimes> ? lifetimes != tests::replay_lifetimes(log) : !lifetimes.empty();
        for (const auto& [site, figures] : lifetimes) {
            temporary += figures.temporary;
            short_lived += figures.short_lived;
        }
        for (const auto& [phase, table] : actual_origins.windows)
            rows += table.sites.size() + table.born_at_peak.size() + table.born_at_end.size() + table.freed_in.size();
        labels += actual_origins.labels.size();
    }
    CHECK(differences == 0);
    CHECK(differences_of_origins == 0);
    CHECK(differences_of_lifetimes == 0);
    CHECK((temporary > 0 && short_lived > 0) == std::is_same_v<Memory, with_lifetimes>);
    MESSAGE(programs << " programs, " << events << " events, " << windows << " windows, " << rows << " rows of tables, "
                     << labels << " labels, " << temporary << " temporary blocks, " << short_lived
                     << " short-lived ones, " << differences + differences_of_origins << " differences");
}

} // namespace

TEST_CASE("random programs on one thread agree with the oracle to the byte") {
    check_programs<by_site>(tests::over_malloc ? 3'000 : 10'000); // there, each is longer
}

TEST_CASE("with lifetimes they do too, and in what was temporary and short-lived") {
    check_programs<with_lifetimes>(tests::over_malloc ? 1'000 : 3'000);
}

} // namespace oracle_tests
