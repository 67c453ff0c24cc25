// SPDX-License-Identifier: MIT
// The bodies of rss/procfs.hpp.
#pragma once

#include <peakscope/core/exclusive_claim.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/core/implementation/flow.hpp>
#include <peakscope/memory/pages.hpp>
#include <peakscope/rss/implementation/own_share.hpp>
#include <peakscope/rss/implementation/proc_file.hpp>
#include <peakscope/rss/implementation/rss_watcher.hpp>
#include <peakscope/rss/procfs.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace peakscope::rss::detail {

inline constinit exclusive_claim high_water_mark;

// Of one folded reading.
[[nodiscard]] inline std::int64_t rss_bound_bytes(std::int64_t threads) noexcept {
#if defined(__linux__)
    const std::int64_t cpus = std::max(1L, ::sysconf(_SC_NPROCESSORS_CONF));
    const std::int64_t page_bytes = ::sysconf(_SC_PAGESIZE);
    constexpr std::int64_t counters = 3;
    return counters * page_bytes * std::max(cpus * std::max<std::int64_t>(32, 2 * cpus), 64 * threads);
#else
    return threads * 0;
#endif
}

// Of all threads, those that are gone among them: whatever makes a page resident is one, or comes with one.
[[nodiscard]] inline std::int64_t page_faults() noexcept {
#if defined(__linux__)
    struct ::rusage usage{};
    return ::getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_minflt + usage.ru_majflt : -1;
#else
    return -1;
#endif
}

procfs_files::~procfs_files() { watcher_ = peakscope::detail::ended(watcher_); }

procfs_files::reading procfs_files::read() noexcept {
    std::array<char, 4096> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
    const std::string_view text = status_.read_start(buffer);
    reading now;
    now.rss = kib_after(text, "VmRSS:");
    now.high_water = kib_after(text, "VmHWM:");
    if (const auto anonymous = kib_after(text, "RssAnon:"))
        now.parts = resident_state{
            .anonymous = anonymous, .file = kib_after(text, "RssFile:"), .shmem = kib_after(text, "RssShmem:")};
    now.threads = number_after(text, "Threads:").value_or(1);
    return now;
}

// Since the last boundary. The faults are read before the pages, so that one in between shows as more pages.
bool procfs_files::nothing_new() noexcept {
    const std::int64_t faults = page_faults();
    const bool no_fault = std::exchange(last_faults_, faults) == faults && faults >= 0;
    if (!no_fault || !last_.rss) return false;
    std::array<char, 4096> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
    const std::string_view text = statm_.read_start(buffer);
    const std::size_t at = text.find(' '); // after the size of the address space
    if (at == std::string_view::npos) return false;
    std::int64_t pages = 0;
    const auto parsed = std::from_chars(text.data() + at + 1, text.data() + text.size(), pages);
    return parsed.ec == std::errc{} && last_.rss->count == pages * static_cast<std::int64_t>(memory::page_bytes());
}

// Readings are spaced out in the long run: the next is due at a time that moves on by the spacing with each, and lags
// behind the clock by no more than the readings that may be saved up. So while the next is not due, the last one is
// younger than the spacing.
bool procfs_files::shares_reading() noexcept {
    if (spacing_ == std::chrono::nanoseconds{}) return false;
    constexpr int saved_up = 64;
    const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
    const bool shares = last_.rss && now < next_reading_;
    if (!shares) next_reading_ = std::max(next_reading_, now - spacing_ * (saved_up - 1)) + spacing_;
    ++boundaries_;
    shared_ += shares ? 1 : 0;
    return shares;
}

// A reading that ends a time of its own: its mark is the largest RSS since the one before.
procfs_files::reading procfs_files::read_boundary() noexcept {
    const bool shared = shares_reading();
    if (shared || nothing_new()) {
        last_.high_water = last_.rss;
    } else {
        const std::optional<bytes> rss_before = last_.rss;
        last_ = read();
        process_peak_ = std::max(process_peak_, last_.high_water);
        mark_is_rss_ = last_.high_water == last_.rss;
        // The kernel adds its mark up from folded counters, and it may be lower than what was read.
        if (last_.high_water)
            last_.high_water = std::max({*last_.high_water, rss_before.value_or(bytes{}), last_.rss.value_or(bytes{})});
    }
    last_.shared = shared;
    if (!last_.rss) return last_;
    if (watcher_ != nullptr) {
        peaks_ = watcher_->is_of_this_process();
        if (peaks_) last_.high_water = watcher_->take(*last_.rss);
    }
    own_.read(*last_.rss, peaks_ ? last_.high_water.value_or(*last_.rss) : *last_.rss,
              last_.parts ? last_.parts->anonymous.value_or(*last_.rss) : *last_.rss);
    if (watcher_ != nullptr && peaks_)
        watcher_->end_interval(last_.high_water.value_or(*last_.rss), own_.at_highest().share(),
                               own_.at_reading().share(), own_.live_bytes());
    return last_;
}

// A page more is a page more, time and again: where readings are of folded counters, they move by a batch or not at
// all. Other threads may get in the way, so it has three tries.
[[gnu::no_sanitize_thread, gnu::no_sanitize_address]] bool procfs_files::reads_exactly() noexcept {
#if defined(__linux__)
    const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    constexpr std::size_t pages = 8;
    for (int tries = 0; tries < 3; ++tries) {
        void* const memory =
            ::mmap(nullptr, pages * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) return false;
        std::size_t exact = 0;
        for (std::optional<bytes> before = read().rss; exact < pages; ++exact) {
            static_cast<volatile char*>(memory)[exact * page_bytes] = 1;
            const std::optional<bytes> now = read().rss;
            if (!before || !now || *now - *before != bytes{static_cast<std::int64_t>(page_bytes)}) break;
            before = now;
        }
        ::munmap(memory, pages * page_bytes);
        if (exact == pages) return true;
    }
#endif
    return false;
}

std::vector<timeline_point> procfs_files::readings() const {
    if (watcher_ == nullptr || !watcher_->is_of_this_process()) return {};
    return watcher_->readings();
}

// A window's peak stays unknown once it is: where the mark could not be reset, it belongs to an earlier time.
void procfs_files::note_peak(window& window, const std::optional<bytes>& seen,
                             const own_share::estimate& share) noexcept {
    if (!window.peak_ || !seen) return;
    window.peak_ = std::max(*window.peak_, *seen - share.share());
    window.peak_bound_ = std::max(window.peak_bound_, share.bound);
}

void procfs_files::open() {
    if (interval_ == std::chrono::nanoseconds{}) high_water_mark.take("rss::procfs");
    remark_.clear();
    own_ = {};
    last_ = {};
    mark_is_rss_ = false;
    next_reading_ = std::chrono::nanoseconds::min();
    boundaries_ = 0;
    shared_ = 0;
    process_peak_.reset();
    peaks_ = false;
    if (const int reason = status_.open(paths_.status, proc_file::access::read); reason != 0) {
        remark_ = unavailable_because("RSS is", paths_.status, reason);
        return;
    }
    const reading now = read();
    if (!now.rss) {
        remark_ = std::string{"RSS is unavailable: "} + paths_.status + " has no line VmRSS";
        return;
    }
    static_cast<void>(statm_.open(paths_.statm, proc_file::access::read)); // if not, the status is read each time
    process_peak_ = now.high_water;
    exact_ = reads_exactly();
    if (interval_ > std::chrono::nanoseconds{}) {
        auto file = std::make_unique<proc_file>();
        static_cast<void>(file->open(paths_.status, proc_file::access::read));
        try {
            watcher_ = new rss_watcher{[file = std::move(file)] {
                                           std::array<char, 4096> buffer; // NOLINT: filled by the read
                                           return kib_after(file->read_start(buffer), "VmRSS:");
                                       },
                                       interval_};
            peaks_ = true;
        } catch (const std::system_error& reason) {
            remark_ = std::string{"RSS peaks are unavailable: no thread can be started that looks: "} + reason.what();
        }
        return;
    }
    int reason = clear_refs_.open(paths_.clear_refs, proc_file::access::write);
    if (reason == 0) reason = clear_refs_.write_start("5");
    peaks_ = reason == 0 && now.high_water.has_value();
    if (!peaks_) remark_ = unavailable_because("RSS peaks are", paths_.clear_refs, reason);
}

void procfs_files::close() noexcept {
    watcher_ = peakscope::detail::ended(watcher_);
    status_.close();
    statm_.close();
    clear_refs_.close();
    if (interval_ == std::chrono::nanoseconds{}) high_water_mark.give_back();
}

// Where the mark is not reset, the thread that looks begins anew with each reading.
bool procfs_files::starts_mark() noexcept {
    if (!peaks_) return false;
    if (last_.shared) return true; // it goes on with the mark of the reading
    if (watcher_ == nullptr && !mark_is_rss_) mark_is_rss_ = clear_refs_.write_start("5") == 0;
    return watcher_ != nullptr || mark_is_rss_;
}

void procfs_files::enter(window& inner, window* outer) noexcept {
    const reading before = read_boundary();
    if (outer != nullptr) note_peak(*outer, before.high_water, own_.at_highest());
    const bool started = starts_mark();
    inner.share_at_start_ = own_.at_reading();
    inner.threads_ = before.threads;
    inner.shared_ = before.shared;
    if (!before.rss) return;
    inner.start_ = *before.rss - own_.at_reading().share();
    if (!started) return;
    inner.peak_ = inner.start_;
    inner.peak_bound_ = own_.at_reading().bound;
}

rss_figures procfs_files::leave(window& inner, window* outer) noexcept {
    const reading now = read_boundary();
    const own_share::estimate& share = own_.at_reading();
    if (!peaks_) inner.peak_.reset();
    note_peak(inner, now.high_water, own_.at_highest());
    note_peak(inner, now.rss, share);
    if (outer != nullptr && inner.peak_) note_peak(*outer, inner.peak_, {{}, {}, inner.peak_bound_});
    // From here on it is the outer window's: with the old mark, its share would not be that of the time.
    if (outer != nullptr && (!inner.peak_ || !starts_mark())) outer->peak_.reset();
    rss_figures figures;
    figures.at_end = now.parts;
    if (!inner.start_ || !now.rss) return figures;
    const bytes end = *now.rss - share.share();
    const bytes folded{rss_bound_bytes(std::max(inner.threads_, now.threads))};
    const bytes of_reading = exact_ ? bytes{} : folded;
    const bytes raw_change = *now.rss - *inner.start_ - inner.share_at_start_.share();
    const bytes delta_bound = of_reading * 2 + own_share::bound_between(inner.share_at_start_, share, raw_change);
    const bytes bound = std::max({of_reading + share.bound, of_reading + inner.share_at_start_.bound, delta_bound});
    set_totals(figures, *inner.start_, end, bounded(bound));
    if (delta_bound < bound) figures.delta_bound = delta_bound;
    if (inner.peak_) {
        const bytes peak_bound = (watcher_ != nullptr ? of_reading : folded) + of_reading + inner.peak_bound_;
        set_peak(figures, *inner.peak_, *inner.start_, watcher_ != nullptr ? sampled(interval_) : bounded(peak_bound));
    }
    if (inner.shared_ || now.shared) figures.totals_precision = sampled(spacing_);
    if ((inner.shared_ || now.shared) && figures.peak) figures.peak_precision = sampled(spacing_);
    if (own_.known()) {
        figures.profiler_bytes = share.share();
        if (figures.at_end && figures.at_end->anonymous) *figures.at_end->anonymous -= share.share();
    }
    return figures;
}

std::string procfs_files::remark() const {
    if (shared_ > 0)
        return "RSS: " + format_count(shared_) + " of " + format_count(boundaries_) +
               " phase boundaries took over a reading of up to " + format_duration(spacing_) + " before" +
               (remark_.empty() ? "" : ". " + remark_);
    if (!remark_.empty() || !peaks_ || !process_peak_ || interval_ > std::chrono::nanoseconds{}) return remark_;
    proc_file status;
    std::array<char, 4096> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by the read
    static_cast<void>(status.open(paths_.status, proc_file::access::read));
    const auto left = kib_after(status.read_start(buffer), "VmHWM:");
    if (!left || *left >= *process_peak_) return remark_;
    return "RSS: the kernel's high-water mark was reset at each phase boundary: VmHWM, and ru_maxrss, say " +
           format_bytes(*left) + " now, the largest RSS was " + format_bytes(*process_peak_) +
           "; rss::procfs_watched resets nothing";
}

} // namespace peakscope::rss::detail
