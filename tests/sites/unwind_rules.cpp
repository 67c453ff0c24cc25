// SPDX-License-Identifier: MIT
// Unwinding by rules finds what libunwind finds: in functions of every make, called in every way, on every thread.
#include <peakscope/sites/unwind.hpp>

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <alloca.h>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

namespace unwind_rules_tests {

using namespace peakscope::sites;

namespace {

constexpr std::size_t depth = 24;

struct outcome {
    int compared = 0;
    int by_rules = 0; // without libunwind
    int different = 0;
};
thread_local outcome all;

// Stands for operator new: it has a frame, and asks for the stack of its caller.
[[gnu::noinline]] void look() {
    const void* const frame = __builtin_frame_address(0);
    detail::find_stack_limits();
    for (int i = 0; i < 2; ++i) { // the first time to learn
        std::array<address, depth> ruled{};
        std::array<address, depth> unwound{};
        std::array<address, depth> one_by_one{}; // each rule that is missing is asked for by itself
        const std::size_t found = detail::follow_rules(ruled.data(), depth, frame, detail::no_code{});
        const std::size_t learned = detail::unwind_from(one_by_one.data(), depth, frame);
        const std::size_t expected = detail::unwind_and_learn(unwound.data(), depth, frame);
        ++all.compared;
        all.different += learned != expected || one_by_one != unwound;
        if (found == 0) continue;
        ++all.by_rules;
        all.different += found != expected || ruled != unwound;
    }
    asm volatile("" ::: "memory"); // no tail call
}

template <std::size_t Alignment>
[[gnu::noinline]] void realigned(int more) {
    alignas(Alignment) std::array<char, Alignment> local;
    asm volatile("" : : "r"(local.data()) : "memory");
    if (more > 0)
        realigned<Alignment>(more - 1);
    else
        look();
    asm volatile("" : : "r"(local.data()) : "memory");
}

[[gnu::noinline]] void with_alloca(std::size_t size_bytes) {
    asm volatile("" : : "r"(alloca(size_bytes)) : "memory");
    look();
    asm volatile("" ::: "memory");
}

[[gnu::noinline]] int many_registers(int a, int b, int c, int d, int e, int f) {
    int sum = 0;
    for (int i = 0; i < 3; ++i) {
        sum += a * i + b - c * d + e - f;
        look();
        sum ^= a + b + c + d + e + f;
    }
    return sum;
}

[[gnu::noinline]] void recursive(int more) {
    look();
    if (more > 0) recursive(more - 1);
    asm volatile("" ::: "memory"); // no tail call
}

int compare_and_look(const void* left, const void* right) {
    look();
    return *static_cast<const int*>(left) - *static_cast<const int*>(right);
}

void everything() {
    look();
    recursive(40);
    for (std::size_t size = 1; size < 5'000; size = size * 3 + 1)
        with_alloca(size);
    realigned<16>(2);
    realigned<32>(2);
    realigned<64>(3);
    realigned<4'096>(2);
    static_cast<void>(many_registers(1, 2, 3, 4, 5, 6));
    std::vector<int> numbers{5, 2, 8, 1, 9, 3};
    std::qsort(numbers.data(), numbers.size(), sizeof(int), compare_and_look); // through the C library
    std::sort(numbers.begin(), numbers.end(), [](int left, int right) {
        look();
        return left > right;
    });
    const std::function<void(int)> indirect = [](int more) { recursive(more); };
    indirect(3);
    try {
        recursive(2);
        throw 1;
    } catch (int) {
        look(); // inside a handler
    }
}

} // namespace

TEST_CASE("rules find the frames that libunwind finds") {
    all = {};
    for (int i = 0; i < 3; ++i)
        everything();
    CHECK(all.different == 0);
    CHECK(all.compared > 300);
#if defined(__x86_64__)
    CHECK(all.by_rules > all.compared * 8 / 10); // else the rules are not what was tested
#endif
    MESSAGE(all.compared << " stacks, " << all.by_rules << " by rules, " << all.different << " different");
}

#if defined(__x86_64__)

namespace {

// Of the frame that returns to the caller.
[[gnu::noinline]] detail::frame_registers registers_of_caller() {
    const auto* const frame = static_cast<const address*>(__builtin_frame_address(0));
    return {frame[1], reinterpret_cast<address>(frame + 2), frame[0]};
}

[[gnu::noinline]] detail::frame_registers needs_frame_pointer(std::size_t size_bytes) {
    asm volatile("" : : "r"(alloca(size_bytes)) : "memory");
    const detail::frame_registers mine = registers_of_caller();
    detail::find_stack_limits();
    CHECK(detail::learn_rule(mine));
    CHECK_FALSE(detail::learn_rule({mine.return_address, mine.stack_pointer, 1})); // a frame pointer to nowhere
    return mine;
}

} // namespace

TEST_CASE("a rule is not learned where that takes a register that is not known, or what is no code") {
    const volatile std::size_t size_bytes = 100; // a size that is known would need no frame pointer
    detail::frame_registers some = needs_frame_pointer(size_bytes);
    const std::vector<char> no_code(4'096);
    some.return_address = reinterpret_cast<address>(no_code.data());
    CHECK_FALSE(detail::learn_rule(some));
    some.return_address = 1;
    CHECK_FALSE(detail::learn_rule(some));
}

#endif

TEST_CASE("on several threads at once, from their first frame on") {
    std::array<outcome, 4> found;
    std::vector<std::thread> running;
    for (outcome& mine : found)
        running.emplace_back([&mine] {
            for (int i = 0; i < 20; ++i)
                everything();
            mine = all;
        });
    for (std::thread& each : running)
        each.join();
    for (const outcome& each : found) {
        CHECK(each.different == 0);
        CHECK(each.compared > 2'000);
    }
}

namespace {

[[gnu::noinline]] std::size_t asked_anew() {
    std::array<address, 8> frames{};
    return detail::unwind_and_learn(frames.data(), frames.size(), __builtin_frame_address(0));
}

// Of a child that has 20 seconds. It is killed then: one that waits for libunwind's lock has its signals blocked.
int status_of(pid_t child) {
    int status = 0;
    for (int i = 0; i < 2'000; ++i) {
        if (::waitpid(child, &status, WNOHANG) == child) return status;
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    ::kill(child, SIGKILL);
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

} // namespace

TEST_CASE("a child of fork unwinds, whatever its parent's threads were at") {
    std::atomic<bool> stop{false};
    const auto busy = [&] {
        while (!stop)
            static_cast<void>(asked_anew());
    };
    std::thread first{busy};
    std::thread second{busy};
    int good = 0;
    constexpr int forks = 100;
    for (int i = 0; i < forks; ++i) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) ::_exit(asked_anew() > 1 ? 0 : 1);
        const int status = status_of(child);
        good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (WIFSIGNALED(status)) break; // the rest would take as long
    }
    stop = true;
    first.join();
    second.join();
    CHECK(good == forks);
    CHECK(asked_anew() > 1); // as before
}

TEST_CASE("in a signal handler, on the thread's stack and on one of its own") {
    all = {};
    static std::vector<char> own_stack(1 << 16);
    stack_t other{};
    other.ss_sp = own_stack.data();
    other.ss_size = own_stack.size();
    REQUIRE(::sigaltstack(&other, nullptr) == 0);
    for (const int flags : {0, SA_ONSTACK}) {
        struct sigaction action{};
        action.sa_handler = [](int) { look(); };
        action.sa_flags = flags;
        REQUIRE(::sigaction(SIGUSR1, &action, nullptr) == 0);
        for (int i = 0; i < 3; ++i)
            std::raise(SIGUSR1);
    }
    CHECK(all.compared == 12);
    CHECK(all.different == 0);
}

} // namespace unwind_rules_tests
