// SPDX-License-Identifier: MIT
// The bodies of testing/child_process.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/testing/child_process.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#if defined(__linux__)
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#endif

namespace peakscope::testing {

namespace detail {

#if defined(__linux__)

[[nodiscard]] std::string system_reason(int number) {
    return std::error_code{number, std::generic_category()}.message();
}

[[nodiscard]] bool write_all(int file, const void* data, std::size_t size_bytes) noexcept {
    const char* at = static_cast<const char*>(data);
    while (size_bytes > 0) {
        const ssize_t written = ::write(file, at, size_bytes);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        at += written;
        size_bytes -= static_cast<std::size_t>(written);
    }
    return true;
}
[[nodiscard]] bool read_all(int file, void* data, std::size_t size_bytes) noexcept {
    char* at = static_cast<char*>(data);
    while (size_bytes > 0) {
        const ssize_t got = ::read(file, at, size_bytes);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        at += got;
        size_bytes -= static_cast<std::size_t>(got);
    }
    return true;
}

// How a child ended, as the process that forked it tells the caller; the child's text follows.
struct child_end {
    int status = 0;
    int fork_error = 0;
    bool timed_out = false;
    std::uint64_t text_bytes = 0; // with its first character: 'r' for a result, 'e' for an error
};

// In the child. The text is written when all of it is there, so that a child that dies leaves no half of one.
[[noreturn]] void be_child(int text_file, std::string (*work)(void* of), void* of,
                           const child_limits& limits) noexcept {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // A test framework's handlers would report the crash as one of the test's own.
    for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTERM, SIGTRAP})
        static_cast<void>(::signal(signal, SIG_DFL));
    if (limits.address_space) {
        const auto most = static_cast<rlim_t>(limits.address_space->count);
        const rlimit limit{most, most};
        ::setrlimit(RLIMIT_AS, &limit);
    }
    bool written = false;
    try {
        const std::string text = "r" + work(of);
        written = write_all(text_file, text.data(), text.size());
    } catch (const std::exception& failed) {
        written = write_all(text_file, "e", 1) && write_all(text_file, failed.what(), std::strlen(failed.what()));
    } catch (...) {
        constexpr char unknown[] = "ean exception that is no std::exception";
        written = write_all(text_file, unknown, sizeof(unknown) - 1);
    }
    static_cast<void>(std::fflush(nullptr));
    ::_exit(written ? 0 : 127);
}

// Waits for the child, and kills it when its time is over. Allocates nothing.
void wait_for(pid_t child, const child_limits& limits, child_end& end) noexcept {
    using clock = std::chrono::steady_clock;
    const clock::time_point deadline = clock::now() + limits.time;
    for (;;) {
        const pid_t ended = ::waitpid(child, &end.status, WNOHANG);
        if (ended == child || (ended < 0 && errno != EINTR)) return;
        if (!end.timed_out && clock::now() > deadline) {
            end.timed_out = true;
            ::kill(child, SIGKILL);
        }
        constexpr timespec pause{0, 200'000};
        ::nanosleep(&pause, nullptr);
    }
}

// In the process that forks the children.
[[noreturn]] void be_parent_of_children(int results, std::size_t count, std::string (*work)(void* of), void* of,
                                        const child_limits& limits) noexcept {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (std::size_t i = 0; i < count; ++i) {
        child_end end;
        const int text_file = ::memfd_create("peakscope", 0);
        const pid_t child = text_file < 0 ? -1 : ::fork();
        if (child == 0) be_child(text_file, work, of, limits);
        if (child < 0)
            end.fork_error = errno;
        else
            wait_for(child, limits, end);
        const off_t size = text_file < 0 ? 0 : ::lseek(text_file, 0, SEEK_END);
        end.text_bytes = static_cast<std::uint64_t>(size > 0 ? size : 0);
        if (!write_all(results, &end, sizeof(end))) ::_exit(1);
        if (text_file >= 0) ::lseek(text_file, 0, SEEK_SET);
        char part[16 * 1'024]; // NOLINT(cppcoreguidelines-pro-type-member-init): filled before it is used
        for (std::uint64_t rest = end.text_bytes; rest > 0;) {
            const auto now = static_cast<std::size_t>(rest < sizeof(part) ? rest : sizeof(part));
            if (!read_all(text_file, part, now) || !write_all(results, part, now)) ::_exit(1);
            rest -= now;
        }
        if (text_file >= 0) ::close(text_file);
    }
    ::_exit(0);
}

[[nodiscard]] child_result result_of(const child_end& end, const std::string& text, const child_limits& limits) {
    using enum child_outcome;
    if (end.fork_error != 0) return {not_started, "it could not be started: " + system_reason(end.fork_error)};
    if (end.timed_out) return {timed_out, "it took longer than " + format_duration(limits.time) + " and was killed"};
    if (WIFSIGNALED(end.status)) {
        const int signal = WTERMSIG(end.status);
        return {died, "it was killed by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")" +
                          (signal == SIGKILL ? "; the system may have been out of memory" : "")};
    }
    if (WIFEXITED(end.status) && WEXITSTATUS(end.status) != 0)
        return {died, "it exited with status " + std::to_string(WEXITSTATUS(end.status))};
    if (text.empty()) return {died, "it exited before it was done"};
    if (text[0] == 'r') return {returned, text.substr(1)};
    return {threw, "it threw: " + text.substr(1) +
                       (limits.address_space ? " (address space limited to " + format_bytes(*limits.address_space) + ")"
                                             : "")};
}

std::vector<child_result> run_in_children(std::size_t count, std::string (*work)(void* of), void* of,
                                          const child_limits& limits) {
    std::vector<child_result> all;
    all.reserve(count);
    static_cast<void>(std::fflush(nullptr)); // else each child would write what is buffered here
    int ends[2];
    if (::pipe(ends) != 0) throw error("no pipe to the children: " + system_reason(errno));
    const pid_t parent_of_children = ::fork();
    if (parent_of_children < 0) {
        const int reason = errno;
        ::close(ends[0]);
        ::close(ends[1]);
        throw error("no child can be forked: " + system_reason(reason));
    }
    if (parent_of_children == 0) {
        ::close(ends[0]);
        be_parent_of_children(ends[1], count, work, of, limits);
    }
    ::close(ends[1]);
    child_end end;
    while (all.size() < count && read_all(ends[0], &end, sizeof(end))) {
        std::string text(end.text_bytes, '\0');
        if (!read_all(ends[0], text.data(), text.size())) break;
        all.push_back(result_of(end, text, limits));
    }
    ::close(ends[0]);
    int status = 0;
    while (::waitpid(parent_of_children, &status, 0) < 0 && errno == EINTR) {
    }
    while (all.size() < count)
        all.push_back({child_outcome::not_started, "the process that starts the repetitions ended before this one"});
    return all;
}

#else

std::vector<child_result> run_in_children(std::size_t, std::string (*)(void*), void*, const child_limits&) {
    throw error("work cannot be isolated in a child process on this system; repeat it in this one: repeat_in_process");
}

#endif

} // namespace detail

} // namespace peakscope::testing
