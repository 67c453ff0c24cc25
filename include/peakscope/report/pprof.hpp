// SPDX-License-Identifier: MIT
// report::pprof: the report as a profile of pprof's, gzipped profile.proto, which continuous-profiling servers read
// too. Needs protozero (its headers) and zlib (-lz).
//
//     pprof -http=: build.pb.gz                                       # or go tool pprof; flame graph in the browser
//     pprof -top -sample_index=phase_peak_bytes -tagroot=phase build.pb.gz
//     pprof -top -diff_base=before.pb.gz build.pb.gz
//
// Sample types:
//   at_peak_bytes, at_peak_blocks        what lived at the measurement's peak; the default
//   live_bytes, live_blocks              what lived at the end beyond what lived at the start; negative where it shrank
//   allocated_bytes, allocations         what was allocated
//   phase_peak_bytes, phase_peak_blocks  what lived at the peak of each phase, whose path is the label `phase`. The
//                                        phases have their peaks at different times: the sum over phases means nothing.
// Of the first three, the totals are those of the report (pprof's own adds up without the sign). What was allocated
// bears the label of the innermost phase whose window was open; what lives at one moment was allocated in many, and has
// none. What a precision or a note says is in the comments (`pprof -comments`). Where a source does not know a figure,
// it is 0 and the comment says so.
//
// Inlined functions are lines of one location. Addresses are return addresses. There are no mappings, as the report has
// no modules, and no labels of the program's own, which a report does not know by call stack. Texts that are not UTF-8
// are written as they are.
#pragma once

#include <peakscope/core/format.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/report/fwd.hpp>
#include <peakscope/report/numbered.hpp>
#include <peakscope/report/stack_samples.hpp>
#include <peakscope/report/text_backend.hpp>

#include <protozero/pbf_writer.hpp>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peakscope::report {

namespace detail {

// The same bytes for the same text: neither a name nor a time is in the header. Throws std::bad_alloc.
[[nodiscard]] inline std::string gzipped(std::string_view text) {
    constexpr int gzip_header = 16;
    z_stream stream{};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS + gzip_header, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        throw std::bad_alloc{};
    std::string made;
    std::array<unsigned char, 1 << 15> part; // NOLINT(cppcoreguidelines-pro-type-member-init)
    int state = Z_OK;
    while (state != Z_STREAM_END) {
        // zlib takes a pointer to what it does not change, and at most 4 GiB at a time.
        const std::size_t taken = std::min<std::size_t>(text.size(), std::numeric_limits<uInt>::max());
        stream.next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())); // NOLINT
        stream.avail_in = static_cast<uInt>(taken);
        text.remove_prefix(taken);
        do {
            stream.next_out = part.data();
            stream.avail_out = static_cast<uInt>(part.size());
            state = deflate(&stream, text.empty() ? Z_FINISH : Z_NO_FLUSH);
            made.append(reinterpret_cast<const char*>(part.data()), part.size() - stream.avail_out); // NOLINT
        } while (stream.avail_out == 0);
    }
    deflateEnd(&stream);
    return made;
}

// The numbers of the fields are those of profile.proto.
class pprof_profile {
  public:
    explicit pprof_profile(const memory_report& report) : report_(report) { texts_.number_of(""); }

    [[nodiscard]] std::string take() {
        sample_types();
        for (const site_report& each : report_->sites)
            stacks_.push_back(stack_of(each));
        samples();
        locations();
        functions();
        profile_.add_int64(10, report_->duration.count());
        comments();
        profile_.add_int64(14, text_number(types.front().first));
        for (const std::string* each : texts_.in_order())
            profile_.add_string(6, *each);
        return std::move(data_);
    }

  private:
    using id = std::uint64_t;
    enum type : std::size_t { at_peak = 0, live = 2, allocated = 4, phase_peak = 6 }; // bytes, and blocks next to it
    static constexpr std::array<std::pair<const char*, const char*>, 8> types{{{"at_peak_bytes", "bytes"},
                                                                               {"at_peak_blocks", "count"},
                                                                               {"live_bytes", "bytes"},
                                                                               {"live_blocks", "count"},
                                                                               {"allocated_bytes", "bytes"},
                                                                               {"allocations", "count"},
                                                                               {"phase_peak_bytes", "bytes"},
                                                                               {"phase_peak_blocks", "count"}}};
    struct function {
        std::int64_t name = 0;
        std::int64_t file = 0;
        [[nodiscard]] auto operator<=>(const function&) const = default;
    };
    struct line {
        id function = 0;
        std::int64_t line = 0;
        [[nodiscard]] auto operator<=>(const struct line&) const = default;
    };
    struct location {
        id address = 0;
        std::vector<line> lines{}; // the innermost first
        [[nodiscard]] auto operator<=>(const location&) const = default;
    };

    [[nodiscard]] std::int64_t text_number(const std::string& text) {
        return static_cast<std::int64_t>(texts_.number_of(text));
    }

    void sample_types() {
        for (const auto& [what, unit] : types) {
            protozero::pbf_writer made{profile_, 1};
            made.add_int64(1, text_number(what));
            made.add_int64(2, text_number(unit));
        }
    }

    [[nodiscard]] std::vector<id> stack_of(const site_report& site) {
        std::vector<id> stack;
        location open;
        for (const stack_frame& frame : frames_of(site)) {
            // The innermost of several inlined functions comes first, and what they are inlined into last.
            if (!open.lines.empty() && frame.address != open.address) close(open, stack);
            open.address = frame.address;
            open.lines.push_back({functions_.number_of({text_number(frame_name(frame)), text_number(frame.file)}) + 1,
                                  static_cast<std::int64_t>(frame.line)});
            if (!frame.inlined) close(open, stack);
        }
        if (!open.lines.empty()) close(open, stack);
        return stack;
    }
    void close(location& open, std::vector<id>& stack) {
        stack.push_back(locations_.number_of(open) + 1);
        open = {};
    }

    // What one site did in one window, a value for each of `types`.
    using values = std::array<std::int64_t, types.size()>;
    // A report may come from a file, and its figures be any numbers.
    [[nodiscard]] static std::int64_t sum(std::int64_t left, std::int64_t right) {
        return (bytes{left} + bytes{right}).count;
    }
    struct window {
        std::map<std::size_t, values> sites{}; // by number

        void add(type first, std::size_t site, std::int64_t size, std::int64_t blocks) {
            values& to = sites[site];
            to[first] = sum(to[first], size);
            to[first + 1] = sum(to[first + 1], blocks);
        }
        void add_allocated(std::size_t site, const site_amounts& of, int sign) {
            const bytes blocks = bytes::of(of.allocations) * sign;
            add(allocated, site, (of.allocated_bytes * sign).count, blocks.count);
        }
    };

    void samples() {
        const std::vector<phase_report>& phases = report_->phases;
        const std::vector<std::size_t> parents = parents_of(phases);
        std::vector<window> windows(phases.size() + 1); // the measurement last
        for (std::size_t site = 0; site < report_->sites.size(); ++site) {
            const site_amounts& of = report_->sites[site].amounts;
            windows.back().add(at_peak, site, of.at_peak_bytes.count, of.at_peak_blocks);
            windows.back().add(live, site, of.delta_bytes.count, of.delta_blocks);
            windows.back().add_allocated(site, of, +1);
        }
        // What a phase inside has is taken from the one around it.
        for (std::size_t number = 0; number < phases.size(); ++number)
            for (const auto& [site, of] : phases[number].sites) {
                windows[number].add(phase_peak, site, of.at_peak_bytes.count, of.at_peak_blocks);
                windows[number].add_allocated(site, of, +1);
                windows[parents[number]].add_allocated(site, of, -1);
            }
        for (std::size_t number = 0; number < windows.size(); ++number)
            for (const auto& [site, of] : windows[number].sites)
                sample(site, of, number < phases.size() ? &phases[number].path : nullptr);
    }
    void sample(std::size_t site, const values& of, const std::string* phase) {
        if (of == values{}) return;
        protozero::pbf_writer made{profile_, 2};
        made.add_packed_uint64(1, stacks_[site].begin(), stacks_[site].end());
        made.add_packed_int64(2, of.begin(), of.end());
        if (phase == nullptr) return;
        protozero::pbf_writer label{made, 3};
        label.add_int64(1, text_number("phase"));
        label.add_int64(2, text_number(*phase));
    }

    void locations() {
        id number = 0;
        for (const location* each : locations_.in_order()) {
            protozero::pbf_writer made{profile_, 4};
            made.add_uint64(1, ++number);
            made.add_uint64(3, each->address);
            for (const line& of : each->lines) {
                protozero::pbf_writer added{made, 4};
                added.add_uint64(1, of.function);
                added.add_int64(2, of.line);
            }
        }
    }
    void functions() {
        id number = 0;
        for (const function* each : functions_.in_order()) {
            protozero::pbf_writer made{profile_, 5};
            made.add_uint64(1, ++number);
            made.add_int64(2, each->name);
            made.add_int64(3, each->name);
            made.add_int64(4, each->file);
        }
    }

    void comments() {
        const auto known = [](const std::optional<bytes>& value) { return value ? format_bytes(*value) : "n/a"; };
        const heap_figures& heap = report_->heap;
        comment(report_->title);
        comment("heap: " + report_->heap_source + ", " + report_->heap_unit + " bytes; peak " + known(heap.peak) +
                " (" + format_precision(heap.peak_precision) + "), live " + known(heap.delta) + ", allocated " +
                known(heap.allocated) + " (" + format_precision(heap.totals_precision) + ")");
        comment("sites: " + format_precision(report_->sites_precision));
        for (const std::string& each : report_->notes)
            comment(each);
    }
    void comment(const std::string& text) {
        if (!text.empty()) profile_.add_int64(13, text_number(text));
    }

    report_with_sites report_;
    std::string data_{};
    protozero::pbf_writer profile_{data_};
    numbered<std::string> texts_{};
    numbered<function> functions_{};
    numbered<location> locations_{};
    std::vector<std::vector<id>> stacks_{};
};

} // namespace detail

/// Writes the report as one gzipped profile. Throws `write_error`.
class pprof : public text_backend<pprof> {
  public:
    pprof() = default;
    explicit pprof(destination where) : text_backend(std::move(where)) {}

    static constexpr const char* name = "pprof";

    [[nodiscard]] static std::string text(const memory_report& report) {
        return detail::gzipped(detail::pprof_profile{report}.take());
    }
};

} // namespace peakscope::report
