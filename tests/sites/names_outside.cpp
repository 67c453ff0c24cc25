// SPDX-License-Identifier: MIT
// Names from children of fork and from the folder of earlier runs: the same as in the process, or none of them.
#include <peakscope/core/function_name.hpp>
#include <peakscope/sites/libbacktrace.hpp>
#include <peakscope/sites/name_cache.hpp>
#include <peakscope/sites/naming_child.hpp>
#include <peakscope/sites/symboliser.hpp>

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

namespace names_outside_tests {

using namespace peakscope;
using namespace std::chrono_literals;
using sites::address;
using sites::detail::name_table;

namespace {

[[nodiscard]] stack_frame frame(const std::string& function, const std::string& file, std::uint32_t line,
                                bool inlined = false) {
    stack_frame made;
    made.function = function;
    made.file = file;
    made.line = line;
    made.inlined = inlined;
    return made;
}

[[nodiscard]] name_table some_names() {
    return {{7, {frame("inner", "/a.hpp", 300, true), frame("outer", "/a.cpp", 70'000)}},
            {1'000'000'007, {frame("outer", "/a.cpp", 4'000'000'000U)}},
            {1'000'000'008, {}}};
}

// Where code of this program is, of the standard library's templates, and of libc.
[[nodiscard]] std::vector<address> addresses() {
    std::vector<address> all;
    for (address in_function = 1; in_function < 200; in_function += 7) {
        all.push_back(reinterpret_cast<address>(&frame) + in_function);
        all.push_back(reinterpret_cast<address>(&addresses) + in_function);
    }
    all.push_back(reinterpret_cast<address>(&::getppid) + 1);
    std::ranges::sort(all);
    return all;
}

constexpr std::size_t much = 64U << 20U;

// Names which take 64 MiB to look up.
void append_with_much_memory(address of, std::vector<stack_frame>& frames) {
    static const std::unique_ptr<char[]> block{new char[much]};
    std::memset(block.get(), 1, much);
    frames.push_back(frame("f" + std::to_string(of), "f.cpp", static_cast<std::uint32_t>(of)));
}

[[nodiscard]] std::int64_t resident_bytes() {
    std::int64_t all = 0;
    std::int64_t resident = 0;
    std::ifstream{"/proc/self/statm"} >> all >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
}

} // namespace

TEST_CASE("names are read as they were written, and what is cut off or changed is not read or other names") {
    const name_table names = some_names();
    const std::string text = sites::detail::encoded(names);
    CHECK(sites::detail::decoded(text) == names);
    CHECK(sites::detail::decoded(sites::detail::encoded({})) == name_table{});
    for (std::size_t size = 0; size < text.size(); ++size)
        CHECK_FALSE(sites::detail::decoded(text.substr(0, size)).has_value());
    CHECK_FALSE(sites::detail::decoded(text + '\0').has_value());
    for (std::size_t at = 0; at < text.size(); ++at)
        for (int value = 0; value < 256; ++value) {
            std::string changed = text;
            changed[at] = static_cast<char>(value);
            static_cast<void>(sites::detail::decoded(changed)); // returns
        }
}

TEST_CASE("children find the names that this process finds, and say how much memory they took") {
    const std::vector<address> all = addresses();
    const auto found = sites::detail::name_in_children(all, sites::libbacktrace_in_process::append_raw, 30s);
    REQUIRE(found.names.has_value());
    CHECK(found.names->size() == all.size());
    std::size_t with_lines = 0;
    for (const address each : all) {
        std::vector<stack_frame> here;
        sites::libbacktrace_in_process::append_raw(each, here);
        CHECK(found.names->at(each) == here);
        with_lines += !here.empty() && here.back().line > 0;
    }
    CHECK(with_lines >= 20);
    REQUIRE(found.peak_rss.has_value());
    CHECK(*found.peak_rss > bytes{});
}

TEST_CASE("many addresses are shared out among children, and each is named once") {
    std::vector<address> all;
    for (address each = 1; each <= 5'000; ++each)
        all.push_back(each * 3);
    const auto found = sites::detail::name_in_children(
        all,
        [](address of, std::vector<stack_frame>& frames) { frames.push_back(frame(std::to_string(of), "f.cpp", 1)); },
        30s);
    REQUIRE(found.names.has_value());
    REQUIRE(found.names->size() == all.size());
    for (const auto& [at, frames] : *found.names)
        CHECK(frames == std::vector{frame(std::to_string(at), "f.cpp", 1)});
}

TEST_CASE("what children read is not in this process's memory") {
    static_cast<void>(sites::detail::name_in_children(std::vector<address>{1, 2}, append_with_much_memory, 30s));
    const std::int64_t before = resident_bytes();
    const auto found = sites::detail::name_in_children(std::vector<address>{1, 2, 3}, append_with_much_memory, 30s);
    CHECK(resident_bytes() - before < 1 << 20);
    REQUIRE(found.names.has_value());
    CHECK(found.peak_rss->count > static_cast<std::int64_t>(much));
}

TEST_CASE("a child that dies or throws leaves no names") {
    const std::vector<address> all = addresses();
    const auto died =
        sites::detail::name_in_children(all, [](address, std::vector<stack_frame>&) { std::abort(); }, 30s);
    CHECK_FALSE(died.names.has_value());
    const auto threw =
        sites::detail::name_in_children(all, [](address, std::vector<stack_frame>&) { throw std::bad_alloc{}; }, 30s);
    CHECK_FALSE(threw.names.has_value());
}

TEST_CASE("a program's handler of SIGCHLD waits for no child that names, and learns of the program's own") {
    static std::atomic<int> own_ended{0};
    struct ::sigaction before{};
    struct ::sigaction waits_for_all{};
    waits_for_all.sa_handler = [](int) {
        const int error = errno;
        while (::waitpid(-1, nullptr, 0) > 0) // waits for those that have not ended too
            ++own_ended;
        errno = error;
    };
    REQUIRE(::sigaction(SIGCHLD, &waits_for_all, &before) == 0);
    const pid_t own = ::fork();
    REQUIRE(own >= 0);
    if (own == 0) {
        ::usleep(20'000);
        ::_exit(0);
    }
    std::vector<address> all(3'000);
    std::iota(all.begin(), all.end(), address{1});
    const auto found = sites::detail::name_in_children(
        all,
        [](address of, std::vector<stack_frame>& frames) { // more than a pipe holds, and longer than the other child
            if (of == 1) ::usleep(100'000);
            frames.push_back({.function = std::string(200, 'f') + std::to_string(of)});
        },
        30s);
    struct ::sigaction now{};
    REQUIRE(::sigaction(SIGCHLD, &before, &now) == 0);
    CHECK(found.names.has_value());
    CHECK(found.peak_rss.has_value());
    CHECK((now.sa_handler == waits_for_all.sa_handler));
    CHECK(own_ended == 1);
}

TEST_CASE("a child that hangs is given up, and is gone then") {
    const auto start = std::chrono::steady_clock::now();
    const auto hung = sites::detail::name_in_children(
        addresses(),
        [](address, std::vector<stack_frame>&) {
            for (;;)
                ::pause();
        },
        50ms);
    CHECK_FALSE(hung.names.has_value());
    CHECK(std::chrono::steady_clock::now() - start >= 50ms);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1); // no child is left
}

TEST_CASE("names are looked up while other threads allocate") {
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] {
            while (!stop.load(std::memory_order_relaxed))
                for (std::size_t size = 1; size < 100'000; size *= 2)
                    std::unique_ptr<char[]>{new char[size]}[0] = 1;
        });
    for (int i = 0; i < 20; ++i)
        CHECK(sites::detail::name_in_children(addresses(), sites::libbacktrace_in_process::append_raw, 30s)
                  .names.has_value());
    stop = true;
    for (std::thread& each : threads)
        each.join();
}

namespace {

struct new_folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("peakscope-names-" + std::to_string(::getpid()));
    new_folder() { std::filesystem::remove_all(path); }
    ~new_folder() { std::filesystem::remove_all(path); }
    new_folder(const new_folder&) = delete;
    new_folder& operator=(const new_folder&) = delete;
};

[[nodiscard]] std::string content(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}
void write(const std::filesystem::path& path, const std::string& text) {
    std::ofstream{path, std::ios::binary} << text;
}

} // namespace

TEST_CASE("kept names are read again, by the build id of what they are of") {
    const new_folder folder;
    const sites::detail::name_cache cache{folder.path.c_str()};
    REQUIRE(cache.is_on());
    const module_report program{"/proc/self/exe", "0123456789abcdef", 0};
    CHECK(cache.read(program).empty());
    cache.keep(program, some_names());
    CHECK(cache.read(program) == some_names());
    CHECK(sites::detail::name_cache{folder.path.c_str()}.read(program) == some_names());
    CHECK(std::distance(std::filesystem::directory_iterator{folder.path}, {}) == 1);

    const module_report other{"/proc/self/exe", "fedcba9876543210", 0};
    CHECK(cache.read(other).empty());
    const module_report stripped{"/proc/self/status", program.build_id, 0}; // of another size
    CHECK(cache.read(stripped).empty());
    const module_report without{"/proc/self/exe", "", 0};
    cache.keep(without, some_names());
    CHECK(cache.read(without).empty());
}

TEST_CASE("a file that is damaged, cut off, another binary's or another user's to write is none") {
    const new_folder folder;
    const sites::detail::name_cache cache{folder.path.c_str()};
    const module_report program{"/proc/self/exe", "0123456789abcdef", 0};
    cache.keep(program, some_names());
    const std::filesystem::path file = folder.path / "0123456789abcdef.names";
    const std::string text = content(file);
    REQUIRE(!text.empty());
    for (std::size_t size = 0; size < text.size(); ++size) {
        write(file, text.substr(0, size));
        CHECK(cache.read(program).empty());
    }
    for (std::size_t at = 0; at < text.size(); ++at) {
        std::string changed = text;
        changed[at] = static_cast<char>(changed[at] ^ 4);
        write(file, changed);
        CHECK(cache.read(program).empty());
    }
    write(file, text);
    CHECK(cache.read(program) == some_names());

    const module_report other{"/proc/self/exe", "fedcba9876543210", 0};
    std::filesystem::copy(file, folder.path / "fedcba9876543210.names");
    CHECK(cache.read(other).empty());

    ::chmod(file.c_str(), 0666);
    CHECK(cache.read(program).empty());
    ::chmod(file.c_str(), 0600);
    CHECK_FALSE(cache.read(program).empty());
    std::filesystem::rename(file, folder.path / "elsewhere");
    std::filesystem::create_symlink("elsewhere", file);
    CHECK(cache.read(program).empty());
    cache.keep(program, some_names()); // in the link's place
    CHECK(cache.read(program) == some_names());
    CHECK(content(folder.path / "elsewhere") == text);
}

TEST_CASE("a folder that others may write to is not used, and the report says so") {
    const new_folder folder;
    std::filesystem::create_directory(folder.path);
    ::chmod(folder.path.c_str(), 0777);
    const sites::detail::name_cache cache{folder.path.c_str()};
    CHECK_FALSE(cache.is_on());
    CHECK(cache.remark().find(folder.path.string()) != std::string::npos);
    const module_report program{"/proc/self/exe", "0123456789abcdef", 0};
    cache.keep(program, some_names());
    CHECK(std::filesystem::is_empty(folder.path));
    CHECK_FALSE(sites::detail::name_cache{nullptr}.is_on());
    CHECK(sites::detail::name_cache{nullptr}.remark().empty());
    const sites::detail::name_cache nowhere{"/proc/no such folder"};
    CHECK_FALSE(nowhere.is_on());
    CHECK_FALSE(nowhere.remark().empty());
}

TEST_CASE("of more than 64 MiB the oldest go, and no file of anybody else's") {
    const new_folder folder;
    for (const char* const others : {"customers.names.csv", "my.names", "00000000.names.1.txt"}) {
        std::filesystem::create_directory(folder.path);
        write(folder.path / others, "");
        std::filesystem::resize_file(folder.path / others, 64 << 20);
        std::filesystem::last_write_time(folder.path / others, std::filesystem::file_time_type::clock::now() - 100h);
    }
    const sites::detail::name_cache cache{folder.path.c_str()};
    for (int i = 0; i < 5; ++i) {
        const std::filesystem::path old = folder.path / ("0000000" + std::to_string(i) + ".names");
        write(old, "");
        std::filesystem::resize_file(old, 16 << 20); // of holes
        std::filesystem::last_write_time(old, std::filesystem::file_time_type::clock::now() - 1h * (i + 1));
    }
    cache.keep({"/proc/self/exe", "0123456789abcdef", 0}, some_names());
    CHECK(std::filesystem::exists(folder.path / "0123456789abcdef.names"));
    CHECK(std::filesystem::exists(folder.path / "00000002.names"));
    CHECK_FALSE(std::filesystem::exists(folder.path / "00000003.names"));
    CHECK_FALSE(std::filesystem::exists(folder.path / "00000004.names"));
    for (const char* const others : {"customers.names.csv", "my.names", "00000000.names.1.txt"})
        CHECK(std::filesystem::exists(folder.path / others));
}

namespace {

[[nodiscard]] named_stacks named(const std::vector<address>& all) {
    attribution of;
    of.stacks = {all};
    return sites::name_stacks<sites::libbacktrace>(of);
}

} // namespace

TEST_CASE("a report says what naming took, and in which module each address is") {
    const new_folder folder;
    ::setenv("PEAKSCOPE_CACHE", folder.path.c_str(), 1);
    std::vector<address> all = addresses();
    all.push_back(1); // in nothing that is loaded
    const named_stacks first = named(all);
    REQUIRE(first.naming.has_value());
    CHECK(first.naming->addresses == all.size());
    CHECK(first.naming->cached == 0);
    CHECK(first.naming->duration > 0ns);
    CHECK(first.naming->children_peak_rss.has_value());
    REQUIRE(first.modules.size() == 2);
    CHECK(std::filesystem::equivalent(first.modules[0].path, "/proc/self/exe"));
    CHECK(first.modules[1].path.find("libc") != std::string::npos);
    for (const stack_frame& each : first.stacks[0].frames) {
        CHECK(each.module.has_value() == (each.address != 1));
        CHECK((each.module == 1) == (each.address == all[all.size() - 2]));
    }

    const named_stacks again = named(all); // from this process's memory
    CHECK(again.naming->cached == all.size() - 1);
    CHECK_FALSE(again.naming->children_peak_rss.has_value());
    CHECK(again.stacks[0].frames == first.stacks[0].frames);
    ::unsetenv("PEAKSCOPE_CACHE");
}

TEST_CASE("where a child fails, names are looked up in this process") {
    std::vector<address> all = addresses();
    for (address& each : all)
        each += 3; // not asked before
    sites::detail::name_lookup lookup;
    lookup.prepare(all, [](address, std::vector<stack_frame>&) { std::abort(); });
    CHECK_FALSE(lookup.figures().children_peak_rss.has_value());
    const named_stacks made = named(all);
    CHECK_FALSE(made.naming->children_peak_rss.has_value());
    std::vector<stack_frame> expected;
    for (const address each : all)
        sites::libbacktrace_in_process::append(each, expected);
    REQUIRE(made.stacks[0].frames.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
        CHECK(made.stacks[0].frames[i].function == as_in_source(expected[i].function));
        CHECK(made.stacks[0].frames[i].file == expected[i].file);
        CHECK(made.stacks[0].frames[i].line == expected[i].line);
    }
}

} // namespace names_outside_tests
