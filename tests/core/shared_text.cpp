// SPDX-License-Identifier: MIT
// Text that copies share.
#include <peakscope/core/shared_text.hpp>

#include <doctest/doctest.h>

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

namespace shared_text_tests {

using peakscope::shared_text;

TEST_CASE("a copy has the same characters, and goes on having them") {
    std::optional<shared_text> first{"a function"};
    const shared_text copy = *first;
    CHECK(copy.str().data() == first->str().data());
    CHECK(shared_text{"a function"}.str().data() != copy.str().data());
    first.reset();
    CHECK(copy == "a function");
    CHECK(copy.view() == "a function");
}

TEST_CASE("another text is assigned to one copy alone") {
    shared_text first = std::string{"first"};
    const shared_text copy = first;
    first = std::string_view{"second"};
    CHECK(first == "second");
    CHECK(copy == "first");
    const shared_text& itself = first;
    first = itself;
    CHECK(first == "second");
    const shared_text moved = std::move(first);
    CHECK(moved == "second");
    first = copy;
    CHECK(first == "first");
}

TEST_CASE("an empty text is one that was never assigned to") {
    CHECK(shared_text{}.empty());
    CHECK(shared_text{""}.empty());
    CHECK(shared_text{""} == shared_text{});
    CHECK(shared_text{}.str().empty());
    CHECK(shared_text{} == "");
    CHECK_FALSE(shared_text{"x"}.empty());
    CHECK(shared_text{std::string{"a\0b", 3}}.str().size() == 3);
}

TEST_CASE("it is compared, converted and written as a string is") {
    const shared_text text = "b";
    CHECK(text == std::string{"b"});
    CHECK("b" == text);
    CHECK(text != std::string_view{"c"});
    CHECK(text < shared_text{"c"});
    CHECK(text > "a");
    CHECK((text <=> std::string{"b"}) == std::strong_ordering::equal);
    const std::string copied = text;
    const std::string constructed{text};
    std::string assigned;
    assigned = text;
    assigned += text;
    const std::string_view viewed = text;
    CHECK(copied + constructed + assigned + std::string{viewed} == "bbbbb");
    const shared_text path = "/src/parse.cpp";
    CHECK(path.starts_with("/src/"));
    CHECK_FALSE(path.starts_with("src"));
    CHECK(path.ends_with(".cpp"));
    CHECK(path.find("parse") == 5);
    CHECK(path.find("render") == std::string::npos);
    CHECK(path.size() == 14);
    CHECK(std::strlen(path.c_str()) == 14);
    CHECK(std::strlen(shared_text{}.c_str()) == 0);
    CHECK(path.find('/') == 0);
    CHECK("at " + path + ":" + std::to_string(1) == "at /src/parse.cpp:1");
    CHECK(path + text == "/src/parse.cppb");
    CHECK(std::string{"a"} + text + "c" == "abc");
    CHECK(text + std::string_view{"c"} == "bc");
    const std::unordered_map<shared_text, int> counts{{"a", 1}, {"b", 2}};
    CHECK(counts.at(text) == 2);
    std::ostringstream out;
    out << text << shared_text{};
    CHECK(out.str() == "b");
}

TEST_CASE("what is asked of a text that goes at once stays") {
    const auto made = [] { return shared_text{std::string(60, 'x')}; };
    const std::string& name = made();
    CHECK(name == std::string(60, 'x'));
    const std::string& text = made().str();
    CHECK(text.size() == 60);
    const shared_text none;
    const std::string& shown = none.empty() ? "a text for what has no name, long enough to be allocated" : none;
    CHECK(shown.size() == 56);
    static_assert(!std::constructible_from<shared_text, std::nullptr_t>);
}

TEST_CASE("copies come and go on several threads") {
    const shared_text text{std::string(100, 'x')};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([mine = text] {
            for (int turn = 0; turn < 10'000; ++turn) {
                std::vector<shared_text> copies(3, mine);
                copies.pop_back();
            }
        });
    for (std::thread& each : threads)
        each.join();
    CHECK(text.str() == std::string(100, 'x'));
}

} // namespace shared_text_tests
