// SPDX-License-Identifier: MIT
// A program in a limited address space (ulimit -v): it measures, and has nearly all of the space for itself. Starts
// itself anew, because the tables are reserved with the first allocation of a process.
#include "counted_heap.hpp"

#include <peakscope/core/error.hpp>
#include <peakscope/profiler/measurement.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace peakscope;

using Memory = profiler<phases<"first", "second", "third">, tests::counted_heap<>>;

constexpr std::size_t mib = std::size_t{1} << 20U;

std::size_t address_space_in_use() {
    unsigned long pages = 0;
    std::FILE* const file = std::fopen("/proc/self/statm", "r");
    if (file == nullptr || std::fscanf(file, "%lu", &pages) != 1) std::abort();
    std::fclose(file);
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// 0 when it is as it should be.
int use_all_of(std::size_t limit_bytes) {
    static std::array<void*, 4'096> blocks;
    std::size_t count = 0;
    Memory memory{"limited"};
    {
        const auto label = Memory::label("all there is");
        while (count < blocks.size() && (blocks[count] = ::operator new(mib, std::nothrow)) != nullptr)
            ++count;
    }
    const std::size_t in_use = address_space_in_use();
    for (std::size_t i = 0; i < count; ++i)
        ::operator delete(blocks[i]);
    const memory_report report = memory.finish();
    const auto all = static_cast<std::int64_t>(count * mib);
    const std::size_t others = in_use - count * mib; // code, the C library, and the tables
    std::printf("%4zu MiB: %4zu for the program, %2zu for others\n", limit_bytes / mib, count, others / mib);
    return report.heap.peak_delta->count >= all && report.heap.peak_delta->count < all + 100'000 &&
                   report.labels.at(0).peak_bytes.count == all && others < 24 * mib + limit_bytes / 16
               ? 0
               : 1;
}

[[nodiscard]] bool has_note(const memory_report& report, const char* text) {
    for (const std::string& note : report.notes)
        if (note.find(text) != std::string::npos) return true;
    return false;
}

// In so small a space there are few numbers for labels, and for where blocks come from. What finds none left is in rows
// of its own. 0 when it is as it should be.
int use_up_numbers() {
    constexpr std::int64_t blocks = 6'000;
    const auto label_each = [] {
        std::array<char, 32> name{};
        for (std::int64_t i = 0; i < blocks; ++i) {
            std::snprintf(name.data(), name.size(), "label %d", static_cast<int>(i));
            const auto label = Memory::label(name.data());
            void* volatile block = ::operator new(10);
            static_cast<void>(block);
        }
    };
    Memory memory{"numbers"};
    {
        const auto phase = Memory::phase<"first">();
        label_each();
    }
    {
        const auto phase = Memory::phase<"second">();
        label_each();
    }
    {
        const auto phase = Memory::phase<"third">();
        label_each();
    }
    const memory_report report = memory.finish();
    // As many labels as there are numbers, less the one for none and the one for the rest; each with 10 B in each phase
    // where it has an origin. What the later phases have none for is not attributed.
    bytes in_others{};
    for (const label_report& each : report.labels)
        if (each.name == "(other labels)") in_others = each.allocated_bytes;
    const auto births = report.measurement_births->at_end;
    const bytes in_first = births.at(2);
    const bytes in_second = births.at(3);
    const bytes in_third = births.at(4);
    const bytes nowhere = births.at(5);
    std::printf("%zu labels, %lld B in others; born in first %lld, second %lld, third %lld, nowhere %lld\n",
                report.labels.size(), static_cast<long long>(in_others.count), static_cast<long long>(in_first.count),
                static_cast<long long>(in_second.count), static_cast<long long>(in_third.count),
                static_cast<long long>(nowhere.count));
    return report.births.at(5) == "(not attributed)" && in_first.count == 10 * blocks && nowhere.count > 0 &&
                   in_second + in_third + nowhere == in_first + in_first && in_others.count > 0 &&
                   has_note(report, "'(other labels)'") && has_note(report, "'(not attributed)'") &&
                   births.at(0) == *report.heap.start && report.phase("third").births->at_end.at(5) == nowhere
               ? 0
               : 1;
}

// A thread for which there are no tables cannot measure. It says so, and not that the functions are not replaced.
int refuse_for_want_of_memory() {
    std::atomic<bool> go{false};
    int result = 1;
    std::thread thread{[&] {
        while (!go) {
        }
        try {
            Memory memory{"refused"};
        } catch (const source_error& refusal) {
            result = std::string{refusal.what()}.find("address space") != std::string::npos ? 0 : 1;
        }
    }};
    const rlimit space{address_space_in_use() + mib, address_space_in_use() + mib};
    if (::setrlimit(RLIMIT_AS, &space) != 0) return 2;
    go = true;
    thread.join();
    return result;
}

// Eight frames of a stack of its own for each block.
struct made_up_stacks {
    static constexpr std::size_t max_frames = 8;
    struct symboliser {
        static void append(sites::address from, std::vector<stack_frame>& frames) {
            frames.push_back({.function = "function number " + std::to_string(from), .file = "/a.cpp", .line = 1});
        }
    };
    static std::size_t walk(sites::address* found, const void*) noexcept {
        for (std::size_t i = 0; i < max_frames; ++i)
            found[i] = 1'000'000 * i + number;
        return max_frames;
    }
    static inline std::size_t number = 0; // the next block's
};

// What of a report there is when so much memory is left for `finish`.
enum part : int {
    nothing = 0,
    figures = 1,
    births = 2,
    labels = 4,
    sites_at_all = 8,
    sites_of_phases = 16,
    names = 32
};
constexpr int all_parts = 63;

// The parts, where each that is missing has its note; else 64.
int finish_with(std::size_t left_bytes) {
    constexpr std::size_t stacks = 10'000;
    constexpr std::size_t names_of_labels = 500;
    using Limited = profiler<phases<"first", "second">, tests::counted_heap<made_up_stacks>>;
    Limited memory{"short of memory at the end"};
    {
        const auto phase = Limited::phase<"first">();
        for (std::size_t i = 0; i < names_of_labels; ++i) {
            const auto label = Limited::label("label number " + std::to_string(i));
            ::operator delete(::operator new(10));
        }
        for (; made_up_stacks::number < stacks; ++made_up_stacks::number)
            ::operator delete(::operator new(10));
    }
    const rlimit space{address_space_in_use() + left_bytes, address_space_in_use() + left_bytes};
    if (::setrlimit(RLIMIT_AS, &space) != 0) return 64;
    memory_report report;
    try {
        report = memory.finish();
    } catch (const std::bad_alloc&) {
        return nothing;
    }
    int there = 0;
    bool is_said = true;
    const auto look_for = [&](part which, bool is_there, const char* note) {
        there |= is_there ? which : nothing;
        is_said = is_said && (is_there || has_note(report, note) || has_note(report, "sites, labels and births are") ||
                              has_note(report, "amounts by site, label and birth are missing"));
    };
    look_for(figures, report.heap.allocated >= bytes{10 * (stacks + names_of_labels)}, "");
    look_for(births, report.measurement_births.has_value(), "births are missing");
    look_for(labels, report.labels.size() == names_of_labels, "labels are missing");
    look_for(sites_at_all, report.sites.size() >= stacks, "sites are missing");
    look_for(sites_of_phases, !report.phase("first").sites.empty(),
             (there & sites_at_all) != 0 ? "sites of phases are missing" : "sites are missing");
    look_for(names, std::ranges::any_of(report.sites, [](const site_report& each) { return each.line == 1; }),
             (there & sites_at_all) != 0 ? "names of sites are missing" : "sites are missing");
    return is_said ? there : 64;
}

// Each amount in a process of its own. Returns how many were not as they should be.
int finish_with_less_and_less() {
    int failed = 0;
    int before = all_parts;
    bool sites_alone_were_lost = false;
    for (std::size_t left = 128 * mib; left > mib / 8; left -= left / 6) {
        std::fflush(stdout);
        const pid_t child = ::fork();
        if (child == 0) ::_exit(finish_with(left));
        int status = 0;
        ::waitpid(child, &status, 0);
        const int there = WIFEXITED(status) ? WEXITSTATUS(status) : 64;
        std::printf("%5zu KiB for finish: parts %d\n", left / 1'024, there);
        failed += there > all_parts || (there | before) != before ? 1 : 0;
        before = there;
        sites_alone_were_lost = sites_alone_were_lost || (there & (labels | sites_at_all)) == labels;
    }
    return failed + (sites_alone_were_lost ? 0 : 1);
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 2) {
        const std::size_t limit_bytes = std::strtoull(argv[1], nullptr, 10) * mib;
        return use_all_of(limit_bytes) + (limit_bytes == 64 * mib ? use_up_numbers() : 0);
    }
    int failed = 0;
    for (const char* const limit : {"64", "100", "200", "300", "400", "600", "2000"}) {
        std::fflush(stdout);
        const pid_t child = ::fork();
        if (child == 0) {
            const rlim_t limit_bytes = std::strtoull(limit, nullptr, 10) * mib;
            const rlimit space{limit_bytes, limit_bytes};
            if (::setrlimit(RLIMIT_AS, &space) == 0)
                ::execl("/proc/self/exe", argv[0], limit, static_cast<char*>(nullptr));
            ::_exit(2);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        failed += status == 0 ? 0 : 1;
    }
    failed += finish_with_less_and_less();
    failed += refuse_for_want_of_memory();
    std::printf("%d failed\n", failed);
    return failed;
}
