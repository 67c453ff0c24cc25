// SPDX-License-Identifier: MIT
// One policy of the user's own of each kind: an arena that knows what it holds as the heap source, an RSS source that a
// test sets by hand, and a report backend that posts to a callback. Each is measured and checked; exit status 0 when
// everything is as it must be. The bodies of the library are linked with it: ../bodies/implementation.cpp.
#include <peakscope/peakscope.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <iostream>
#include <optional>
#include <string>

using namespace peakscope::literals;

// ---- a heap source --------------------------------------------------------------------------------------------------

// Hands out one piece of memory from front to back, and takes all of it back at once. It knows what it holds, so it can
// tell peaks: it keeps the highest since the innermost window began.
class arena {
  public:
    static constexpr const char* name = "arena";
    static constexpr const char* unit = "arena";

    void* allocate(std::size_t size_bytes) {
        if (size_bytes > memory_.size() - used_) throw std::bad_alloc();
        void* const block = memory_.data() + used_;
        used_ += size_bytes;
        highest_ = std::max(highest_, used_);
        allocated_ += size_bytes;
        return block;
    }
    void reset() {
        freed_ += used_;
        used_ = 0;
    }

    // What peakscope asks for (peakscope/core/concepts.hpp).
    struct window {
        std::size_t used = 0;
        std::size_t allocated = 0;
        std::size_t freed = 0;
        std::size_t outer_highest = 0;
    };
    struct own_memory {}; // what the profiler allocates does not come from here

    void open() {}
    void close() noexcept {}
    void settle() noexcept {}
    void enter(window& inner, window*) noexcept {
        inner = {used_, allocated_, freed_, highest_};
        highest_ = used_;
    }
    peakscope::heap_figures leave(window& inner, window*) noexcept {
        peakscope::heap_figures figures{.totals_precision = peakscope::exact, .peak_precision = peakscope::exact};
        figures.start = as_bytes(inner.used);
        figures.end = as_bytes(used_);
        figures.delta = *figures.end - *figures.start;
        figures.peak = as_bytes(highest_);
        figures.peak_delta = *figures.peak - *figures.start;
        figures.allocated = as_bytes(allocated_ - inner.allocated);
        figures.freed = as_bytes(freed_ - inner.freed);
        highest_ = std::max(highest_, inner.outer_highest);
        return figures; // it does not count blocks: those figures stay empty, n/a in the report
    }
    std::optional<peakscope::bytes> own_bytes() const { return std::nullopt; }
    std::string remark() const { return "arena: blocks are not counted"; }

  private:
    static peakscope::bytes as_bytes(std::size_t size) { return {static_cast<std::int64_t>(size)}; }

    std::array<std::byte, 1'000'000> memory_{};
    std::size_t used_ = 0;
    std::size_t highest_ = 0;
    std::size_t allocated_ = 0;
    std::size_t freed_ = 0;
};

// It counts for itself and not for the process: each profiler has an arena of its own, `memory.heap()`.
template <>
inline constexpr bool peakscope::counts_per_instance<arena> = true;

// ---- an RSS source --------------------------------------------------------------------------------------------------

// For tests of what is done with a report: RSS is what they say it is.
struct rss_by_hand {
    static constexpr const char* name = "by hand";
    static inline peakscope::bytes now{};

    struct window {
        peakscope::bytes start;
    };
    void open() {}
    void close() noexcept {}
    void enter(window& inner, window*) noexcept { inner.start = now; }
    peakscope::rss_figures leave(window& inner, window*) noexcept {
        peakscope::rss_figures figures{.totals_precision = peakscope::exact};
        figures.start = inner.start;
        figures.end = now;
        figures.delta = now - inner.start;
        return figures; // no peaks
    }
    std::string remark() const { return {}; }
};

// A figure of these sources is never missing.
peakscope::bytes known(const std::optional<peakscope::bytes>& figure) { return figure.value_or(peakscope::bytes{}); }

// ---- a report backend -----------------------------------------------------------------------------------------------

// Posts one line a report to whoever listens: a dashboard, a chat, a test.
struct post_to_callback {
    static constexpr const char* name = "callback";
    static inline std::function<void(const std::string&)> listener;

    void operator()(const peakscope::memory_report& report) const {
        if (!listener) throw peakscope::write_error("the callback", "nobody listens; set post_to_callback::listener");
        listener(report.title + ": heap " + peakscope::format_signed_bytes(known(report.heap.delta)) + ", peak " +
                 peakscope::format_bytes(known(report.heap.peak)) + ", RSS " +
                 peakscope::format_signed_bytes(known(report.rss.delta)));
    }
};

// ---- all three ------------------------------------------------------------------------------------------------------

using Memory = peakscope::profiler<peakscope::phases<"filling", "refilling">, arena, rss_by_hand,
                                   peakscope::report::tee<post_to_callback, peakscope::report::console>>;

int main() {
    std::string posted;
    post_to_callback::listener = [&](const std::string& line) { posted = line; };

    Memory memory{"an arena"};
    {
        auto phase = memory.phase<"filling">();
        for (int i = 0; i < 100; ++i)
            memory.heap().allocate(2'048);
        rss_by_hand::now = 5_MiB;
    }
    {
        auto phase = memory.phase<"refilling">();
        memory.heap().reset();
        memory.heap().allocate(1'024);
    }
    const peakscope::memory_report report = memory.finish();

    const peakscope::phase_report& filling = report.phase("filling");
    const bool right = known(filling.heap.peak) == 200_KiB && known(filling.rss.delta) == 5_MiB &&
                       known(report.phase("refilling").heap.delta) == -199_KiB && known(report.heap.peak) == 200_KiB &&
                       !report.heap.allocations && posted == "an arena: heap +1.00 KiB, peak 200 KiB, RSS +5.00 MiB";
    if (!right) std::cerr << "not as it must be: " << posted << "\n";
    return right ? 0 : 1;
}
