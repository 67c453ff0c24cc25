// SPDX-License-Identifier: MIT
// The body of sites/naming_child.hpp.
#pragma once

#include <peakscope/sites/implementation/name_table.hpp>
#include <peakscope/sites/naming_child.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#if defined(__linux__)
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace peakscope::sites::detail {

// ThreadSanitizer has a thread of its own, which a child of fork has not.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool can_name_in_child = false;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
inline constexpr bool can_name_in_child = false;
#else
inline constexpr bool can_name_in_child = true;
#endif
#else
inline constexpr bool can_name_in_child = true;
#endif

#if defined(__linux__)

// While one is alive, its thread takes no signals; nor does what is forked then.
class no_signals {
  public:
    no_signals() noexcept {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~no_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    no_signals(const no_signals&) = delete;
    no_signals& operator=(const no_signals&) = delete;

  private:
    sigset_t before_{};
};

// While one is alive, no handler of the program's learns of children that end: one that waits for any child would wait
// for those here, which wait for this thread to read. Of the program's own children it is told afterwards.
class no_child_handler {
  public:
    no_child_handler() noexcept {
        if (::sigaction(SIGCHLD, nullptr, &before_) != 0 || !has_handler(before_)) return;
        struct ::sigaction none{};
        none.sa_handler = SIG_DFL;
        replaced_ = ::sigaction(SIGCHLD, &none, &before_) == 0;
    }
    ~no_child_handler() {
        struct ::sigaction now{};
        if (!replaced_ || ::sigaction(SIGCHLD, nullptr, &now) != 0 || has_handler(now))
            return; // another thread's by now
        ::sigaction(SIGCHLD, &before_, nullptr);
        ::siginfo_t ended{};
        if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0)
            ::kill(::getpid(), SIGCHLD);
    }
    no_child_handler(const no_child_handler&) = delete;
    no_child_handler& operator=(const no_child_handler&) = delete;

  private:
    [[nodiscard]] static bool has_handler(const struct ::sigaction& of) noexcept {
        return (of.sa_flags & SA_SIGINFO) != 0 || (of.sa_handler != SIG_DFL && of.sa_handler != SIG_IGN);
    }

    struct ::sigaction before_{};
    bool replaced_ = false;
};

// In the child: the size of the names, and the names.
[[noreturn]] inline void be_naming_child(int pipe, std::span<const address> all, append_names append) noexcept {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    constexpr rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    // The program's handlers would take a crash for one of its own.
    for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP})
        static_cast<void>(::signal(signal, SIG_DFL));
    try {
        name_table names;
        for (const address each : all)
            append(each, names[each]);
        std::string text = encoded(names);
        const std::uint64_t size = text.size();
        text.insert(0, reinterpret_cast<const char*>(&size), sizeof(size));
        for (std::size_t done = 0; done < text.size();) {
            const ::ssize_t written = ::write(pipe, text.data() + done, text.size() - done);
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0) ::_exit(1);
            done += static_cast<std::size_t>(written);
        }
    } catch (...) {
        ::_exit(1);
    }
    ::_exit(0);
}

// Until so much is there, the pipe ends, or it is too late. Another child, that some thread forked meanwhile, may keep
// the pipe from ending.
[[nodiscard]] inline bool read_in_time(int pipe, char* into, std::size_t size_bytes,
                                       std::chrono::steady_clock::time_point deadline) noexcept {
    while (size_bytes > 0) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        ::pollfd ready{pipe, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) == 0) return false;
        const ::ssize_t got = ::read(pipe, into, size_bytes);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got <= 0) return false;
        into += got;
        size_bytes -= static_cast<std::size_t>(got);
    }
    return true;
}

class naming_child {
  public:
    naming_child(std::span<const address> all, append_names append) noexcept {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return;
        pipe_ = ends[0];
        {
            const no_signals in_the_child;
            child_ = ::fork();
            if (child_ == 0) be_naming_child(ends[1], all, append);
        }
        ::close(ends[1]);
    }
    ~naming_child() {
        end(true);
        if (pipe_ >= 0) ::close(pipe_);
    }
    naming_child(const naming_child&) = delete;
    naming_child& operator=(const naming_child&) = delete;

    // Adds the names that it has found, once, and ends it. False where there are none.
    [[nodiscard]] bool add_names(name_table& names, std::chrono::steady_clock::time_point deadline) {
        constexpr std::uint64_t most = std::uint64_t{1} << 30U;
        std::uint64_t size = 0;
        if (child_ <= 0 || !read_in_time(pipe_, reinterpret_cast<char*>(&size), sizeof(size), deadline) || size > most)
            return false;
        std::string text(size, '\0');
        if (!read_in_time(pipe_, text.data(), text.size(), deadline)) return false;
        std::optional<name_table> made = decoded(text);
        if (!made) return false;
        names.merge(*made);
        end(false);
        return true;
    }
    // When it has ended. Empty where the program has waited for it.
    [[nodiscard]] std::optional<bytes> peak_rss() const noexcept { return peak_rss_; }

  private:
    // The program may have waited for the child itself; its number may be another process's then.
    void end(bool kill) noexcept {
        if (child_ <= 0) return;
        const ::pid_t child = std::exchange(child_, -1);
        ::rusage used{};
        const auto wait = [&](int options) {
            ::pid_t ended = 0;
            do
                ended = ::wait4(child, nullptr, options, &used);
            while (ended < 0 && errno == EINTR);
            return ended;
        };
        if (kill) {
            if (wait(WNOHANG) != 0) return;
            ::kill(child, SIGKILL);
        }
        if (wait(0) == child) peak_rss_ = bytes{used.ru_maxrss * 1'024};
    }

    int pipe_ = -1;
    ::pid_t child_ = -1;
    std::optional<bytes> peak_rss_{};
};

names_of_children name_in_children(std::span<const address> all, append_names append, std::chrono::milliseconds time) {
    constexpr std::size_t fewest = 1'024; // each child reads the list of all units
    names_of_children made;
    if (!can_name_in_child) return made;
    const auto deadline = std::chrono::steady_clock::now() + time;
    const auto processors = static_cast<std::size_t>(std::clamp(::sysconf(_SC_NPROCESSORS_ONLN), 1L, 4L));
    const std::size_t count = std::min(processors, all.size() / fewest + 1);
    // What lies together in the program is of the same units, and is read once.
    const no_child_handler until_they_ended;
    std::vector<std::unique_ptr<naming_child>> children;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t begin = all.size() * i / count;
        children.push_back(
            std::make_unique<naming_child>(all.subspan(begin, all.size() * (i + 1) / count - begin), append));
    }
    made.names.emplace();
    for (const auto& child : children)
        if (made.names && !child->add_names(*made.names, deadline)) made.names.reset();
    if (!made.names) return made;
    bytes together{};
    for (const auto& child : children) {
        const std::optional<bytes> of_one = child->peak_rss();
        if (!of_one) return made;
        together += *of_one;
    }
    made.peak_rss = together;
    return made;
}

#else

names_of_children name_in_children(std::span<const address>, append_names, std::chrono::milliseconds) { return {}; }

#endif

} // namespace peakscope::sites::detail
