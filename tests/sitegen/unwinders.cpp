// SPDX-License-Identifier: MIT
// A whole build of sitegen, in which every stack is walked in each way there is, and compared with what libunwind
// finds.
//
// Usage: sitegen_unwinders SITE OUTPUT
#include <build.hpp>

#include <peakscope/heap/malloc_counting.hpp>
#include <peakscope/sites/frames.hpp>
#include <peakscope/sites/unwind.hpp>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace peakscope::sites;
constexpr std::size_t most = 12;

std::atomic<unsigned> stacks, by_rules, by_frames, rules_differ, frames_differ;

struct compares_all {
    using symboliser = addresses;
    static constexpr std::size_t max_frames = most;

    // Leaves every stack to `find`.
    static std::size_t walk(address*, const void*) noexcept { return 0; }
    [[gnu::noinline]] static std::size_t find(const stack_view&, address* found, const void* frame) noexcept {
        std::array<address, most> other{};
        const std::size_t ruled = unwind<most, addresses>::walk(other.data(), frame);
        const std::size_t depth = detail::unwind_and_learn(found, most, frame);
        ++stacks;
        by_rules += ruled > 0;
        rules_differ += ruled > 0 && !(stack_view{other.data(), ruled} == stack_view{found, depth});
        const stack_view walked{other.data(), frames<most, addresses>::walk(other.data(), frame)};
        if (is_found(walked, frame)) {
            ++by_frames;
            frames_differ += !(walked == stack_view{found, depth});
        }
        return depth;
    }

  private:
    // As the engine does: a walk that was right once must be right whenever it finds the same frames.
    static bool is_found(const stack_view& walked, const void* frame) noexcept {
        struct seen {
            std::array<address, most> frames;
            std::size_t depth;
        };
        static std::array<seen, 65'536> known{};
        std::size_t at = hash_of(walked, 0) % known.size();
        for (; known[at].depth > 0; at = (at + 1) % known.size())
            if (stack_view{known[at].frames.data(), known[at].depth} == walked) return true;
        known[at].depth = frames<most, addresses>::find(walked, known[at].frames.data(), frame);
        static std::size_t filled = 0;
        if (++filled < known.size()) return false;
        std::fputs("most walks by frame pointers are not what is found\n", stderr);
        std::_Exit(1);
    }
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    sitegen::build_options options;
    options.folder = argv[1];
    options.output = argv[2];
    options.theme = SITEGEN_THEME;
    options.plugins = {"toc", "related"};
    peakscope::heap::malloc_counting<compares_all> source;
    source.open();
    source.attribute(0, 0);
    const sitegen::site built = sitegen::build_site(options);
    source.close();
    std::printf("%u stacks; by rules %u, different %u; by frame pointers %u, different %u\n", stacks.load(),
                by_rules.load(), rules_differ.load(), by_frames.load(), frames_differ.load());
    const bool tested = built.pages.size() == 100 && by_frames > stacks / 10 * 9
#if defined(__x86_64__)
                        && by_rules > stacks / 10 * 9
#endif
        ;
    return tested && rules_differ == 0 && frames_differ == 0 ? 0 : 1;
}
