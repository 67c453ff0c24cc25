// SPDX-License-Identifier: MIT
// A whole build of sitegen, in which every stack is walked in each way there is, and compared with what libunwind
// finds.
//
// Usage: sitegen_unwinders SITE OUTPUT
#include <build.hpp>

#include <peakscope/heap/counting.hpp>
#include <peakscope/sites/frames.hpp>
#include <peakscope/sites/unwind.hpp>

#include <array>
#include <atomic>
#include <cstdio>

namespace {

using namespace peakscope::sites;
constexpr std::size_t most = 12;

std::atomic<unsigned> stacks, by_rules, by_frames, rules_differ, frames_differ;

struct compares_all {
    using symboliser = addresses;
    static constexpr std::size_t max_frames = most;
    static constexpr bool checks_stacks = false;

    [[gnu::noinline]] static std::size_t walk(address* found, const void* frame) noexcept {
        std::array<address, most> other{};
        const std::size_t ruled = detail::follow_rules(other.data(), most, frame);
        const std::size_t depth = detail::unwind_and_learn(found, most, frame);
        ++stacks;
        by_rules += ruled > 0;
        rules_differ += ruled > 0 && !(stack_view{other.data(), ruled} == stack_view{found, depth});
        // A walk that is trusted once must be right whenever it finds the same frames.
        const stack_view walked{other.data(), frames<most, addresses>::walk(other.data(), frame)};
        const std::size_t trusted = verdict(walked, frame);
        if (trusted != walk_slowly) {
            ++by_frames;
            // All of it, or up to where only the way into main or into the thread is left.
            frames_differ += trusted > depth || !(stack_view{other.data(), trusted} == stack_view{found, trusted}) ||
                             (trusted == most && depth != most);
        }
        return depth;
    }

  private:
    // As the engine does: asked once, and remembered for the frames as they were walked.
    static std::size_t verdict(const stack_view& walked, const void* frame) noexcept {
        struct seen {
            std::array<address, most> frames;
            std::size_t depth, trusted;
        };
        static std::array<seen, 65'536> known{};
        seen& place = known[detail::hash_of(walked, 0) % known.size()];
        if (!(stack_view{place.frames.data(), place.depth} == walked)) {
            std::copy_n(walked.frames, walked.depth, place.frames.begin());
            place.depth = walked.depth;
            place.trusted = frames<most, addresses>::trusted(walked, frame);
        }
        return place.trusted;
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
    peakscope::heap::counting<compares_all> source;
    source.open();
    source.attribute(0, 0);
    const sitegen::site built = sitegen::build_site(options);
    source.close();
    std::printf("%u stacks; by rules %u, different %u; by frame pointers %u, different %u\n", stacks.load(),
                by_rules.load(), rules_differ.load(), by_frames.load(), frames_differ.load());
    const bool tested = built.pages.size() == 100 && by_frames > stacks / 10
#if defined(__x86_64__)
                        && by_rules > stacks / 10 * 9
#endif
        ;
    return tested && rules_differ == 0 && frames_differ == 0 ? 0 : 1;
}
