// SPDX-License-Identifier: MIT
// sites::addr2line: names from debug information, with inlined functions, by the addr2line of binutils, or by one that
// takes the same arguments, as LLVM's does. It runs in processes of its own, one for each program and library, so that
// what it reads is not in the RSS of the measured process. Slower than sites::libbacktrace, and nothing is linked.
//
//     using Memory = peakscope::profiler<Phases, heap::counting<sites::frames<8, sites::addr2line<>>>>;
//     using Memory = peakscope::profiler<Phases, heap::counting<sites::frames<8, sites::addr2line<"llvm-addr2line">>>>;
//
// That of binutils 2.40 misses functions that clang++ inlined, and then shows a line further out; LLVM's does not.
// Needs Linux, and the command in the PATH while the program runs. Where it cannot be run, frames have an offset in
// their program or library, and the report says so.
#pragma once

#include <peakscope/core/fixed_string.hpp>
#include <peakscope/core/report.hpp>
#include <peakscope/sites/fwd.hpp>
#include <peakscope/sites/objects.hpp>
#include <peakscope/sites/stack.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace peakscope::sites {

namespace detail {

// One addr2line, which is asked for one address at a time. Nothing in an answer tells that it is complete; so each
// address is followed by one that no program has, and the answer to that one ends it.
class addr2line_process {
  public:
    addr2line_process(std::string command, std::string program) {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
            error_ = errno;
            return;
        }
        std::array<std::string, 4> words{std::move(command), "-afiC", "-e", std::move(program)};
        std::array<char*, 5> arguments{words[0].data(), words[1].data(), words[2].data(), words[3].data(), nullptr};
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDIN_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        error_ = ::posix_spawnp(&process_, arguments[0], &actions, nullptr, arguments.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        ::close(ends[1]);
        socket_ = ends[0];
    }
    ~addr2line_process() {
        if (socket_ >= 0) ::close(socket_);
        if (error_ == 0) ::waitpid(process_, nullptr, 0); // it ends with its input
    }
    addr2line_process(const addr2line_process&) = delete;
    addr2line_process& operator=(const addr2line_process&) = delete;

    // Why it does not answer. Empty while it does.
    [[nodiscard]] std::string failure() const {
        if (error_ != 0) return "cannot be run (" + std::generic_category().message(error_) + ")";
        return ended_ ? "ended without an answer" : "";
    }

    // The lines of the answer: a function and a place in turns. Empty when the process has ended.
    [[nodiscard]] std::vector<std::string> ask(address offset) {
        if (error_ != 0 || ended_) return {};
        std::vector<std::string> lines = answer_to(offset);
        ended_ = lines.empty(); // even an answer that knows nothing has the address
        if (!ended_) lines.erase(lines.begin());
        return lines;
    }

  private:
    static constexpr std::string_view no_address = "0xffffffffffffffff";

    [[nodiscard]] std::vector<std::string> answer_to(address offset) {
        const std::string question = hexadecimal(offset) + "\n" + std::string{no_address} + "\n";
        // The process may have ended: that is no reason for a signal.
        for (std::string_view rest = question; !rest.empty();) {
            const ::ssize_t sent = ::send(socket_, rest.data(), rest.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            if (sent <= 0) return {};
            rest.remove_prefix(static_cast<std::size_t>(sent));
        }
        std::vector<std::string> lines;
        for (int after_end = 0; after_end < 3;) { // the address that no program has, and its two lines
            std::optional<std::string> line = next_line();
            if (!line) return {};
            if (after_end > 0 || is_no_address(*line))
                ++after_end;
            else
                lines.push_back(std::move(*line));
        }
        return lines;
    }

    // Printed with as many digits as an address of the program has.
    [[nodiscard]] static bool is_no_address(std::string_view line) noexcept {
        return line.starts_with("0x") && line.size() > 2 && line.find_first_not_of('f', 2) == std::string_view::npos;
    }

    [[nodiscard]] std::optional<std::string> next_line() {
        for (;;) {
            if (const std::size_t end = received_.find('\n'); end != std::string::npos) {
                std::string line = received_.substr(0, end);
                received_.erase(0, end + 1);
                return line;
            }
            std::array<char, 4'096> more{};
            const ::ssize_t count = ::read(socket_, more.data(), more.size());
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) return std::nullopt;
            received_.append(more.data(), static_cast<std::size_t>(count));
        }
    }

    int error_ = 0;
    bool ended_ = false;
    int socket_ = -1;
    ::pid_t process_ = 0;
    std::string received_{};
};

} // namespace detail

template <fixed_string Command>
class addr2line {
  public:
    /// Adds the frames of a return address. One thread at a time.
    void append(address return_address, std::vector<stack_frame>& frames) {
        const std::size_t before = frames.size();
        const detail::loaded_object object = detail::object_of(return_address);
        if (object.known) {
            // The call itself lies before the address that it returns to, and may be the last of its line.
            const std::vector<std::string> lines =
                process_for(detail::path_of(object)).ask(return_address - object.base - 1);
            for (std::size_t i = 0; i + 1 < lines.size(); i += 2)
                frames.push_back(frame_of(lines[i], lines[i + 1]));
        }
        for (std::size_t i = before; i + 1 < frames.size(); ++i)
            frames[i].inlined = true;
        if (frames.size() == before) frames.emplace_back();
        detail::name_by_object(frames.back(), return_address);
    }

    [[nodiscard]] std::vector<std::string> notes() const {
        for (const auto& [path, process] : processes_)
            if (const std::string failure = process->failure(); !failure.empty())
                return {"sites: " + std::string{Command.c_str()} + " " + failure + " for " + path +
                        "; install it (binutils has addr2line), or use sites::libbacktrace, to see functions, files "
                        "and lines"};
        return {};
    }

  private:
    [[nodiscard]] detail::addr2line_process& process_for(const std::string& path) {
        auto& process = processes_[path];
        if (process == nullptr) process = std::make_unique<detail::addr2line_process>(Command.c_str(), path);
        return *process;
    }

    // "??" stands for what is not known; a line may be followed by what tells two parts of it apart.
    [[nodiscard]] static stack_frame frame_of(const std::string& function, std::string place) {
        stack_frame frame;
        if (function != "??") frame.function = function;
        place.resize(std::min(place.find(" (discriminator"), place.size()));
        const std::size_t colon = place.rfind(':');
        if (colon == std::string::npos || place.starts_with("??")) return frame;
        std::from_chars(place.data() + colon + 1, place.data() + place.size(), frame.line);
        frame.file = std::filesystem::path{place.substr(0, colon)}.lexically_normal().string();
        return frame;
    }

    std::map<std::string, std::unique_ptr<detail::addr2line_process>> processes_{};
};

} // namespace peakscope::sites
