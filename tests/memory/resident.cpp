// SPDX-License-Identifier: MIT
// What the tables say is resident of them, against what the kernel says of their pages.
#include <peakscope/memory/hash.hpp>
#include <peakscope/memory/number_index.hpp>
#include <peakscope/memory/page_array.hpp>
#include <peakscope/memory/resident.hpp>

#include <doctest/doctest.h>

#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace resident_tests {

using namespace peakscope::memory;

namespace {

std::int64_t counted() { return resident_table_bytes.load(); }

// mincore(2) tells which pages of a private mapping are there.
std::int64_t seen_by_kernel(void* table, std::size_t size_bytes) {
    std::vector<unsigned char> pages(size_bytes / page_bytes());
    REQUIRE(::mincore(table, size_bytes, pages.data()) == 0);
    std::int64_t sum = 0;
    for (const unsigned char page : pages)
        sum += (page & 1) * static_cast<std::int64_t>(page_bytes());
    return sum;
}

} // namespace

TEST_CASE("a table that is filled from the front is resident as far as it was said, to the page") {
    constexpr std::size_t size = 1 << 20;
    void* const table = reserve_pages(size);
    const std::int64_t before = counted();
    resident_front front;
    front.reach(table, 1);
    CHECK(counted() - before == static_cast<std::int64_t>(page_bytes()));
    front.reach(table, page_bytes());
    CHECK(counted() - before == static_cast<std::int64_t>(page_bytes()));
    front.reach(table, 10 * page_bytes() + 1);
    CHECK(counted() - before == 11 * static_cast<std::int64_t>(page_bytes()));
    CHECK(seen_by_kernel(table, size) == counted() - before);
    front.give_back();
    CHECK(counted() == before);
    release_pages(table, size);
}

TEST_CASE("pages that are written here and there are counted once each, with those of their marks") {
    constexpr std::size_t size = 200 << 20; // the marks take more than a page
    auto* const table = static_cast<std::byte*>(reserve_pages(size));
    const std::int64_t before = counted();
    resident_marks marks;
    marks.use(table);
    const std::size_t first = whole_pages(resident_marks::bytes_for(size));
    std::uint64_t state = 1;
    for (int i = 0; i < 1'000; ++i) {
        std::byte* const at = table + first + next_random(state) % (size - first - 80);
        marks.touch(at, 80); // some lie across the end of a page
        at[0] = at[79] = std::byte{1};
    }
    CHECK(counted() - before > 900 * static_cast<std::int64_t>(page_bytes()));
    CHECK(seen_by_kernel(table, size) == counted() - before);
    marks.clear(table + first, size - first);
    CHECK(seen_by_kernel(table, size) == counted() - before); // zeros, and still there
    bool zeros = true;
    for (std::size_t at = first; at < size; at += 512)
        zeros = zeros && table[at] == std::byte{};
    CHECK(zeros);
    count_resident(before - counted());
    release_pages(table, size);
}

TEST_CASE("an array grows by what is written, not by what it has room for, and keeps its values") {
    using values = page_array<std::array<std::uint64_t, 4>>;
    const std::int64_t before = counted();
    {
        values array;
        for (std::uint64_t i = 0; i < 10'000; ++i)
            REQUIRE(array.append({i, 0, 0, i}));
        CHECK(counted() - before == static_cast<std::int64_t>(whole_pages(10'000 * 32)));
        bool right = array.size() == 10'000;
        for (std::uint64_t i = 0; right && i < 10'000; ++i)
            right = array[i][0] == i && array[i][3] == i;
        CHECK(right);
        values copy;
        REQUIRE(copy.assign(array));
        CHECK(counted() - before == 2 * static_cast<std::int64_t>(whole_pages(10'000 * 32)));
        values moved{std::move(copy)};
        CHECK(moved.size() == 10'000);
        CHECK(counted() - before == 2 * static_cast<std::int64_t>(whole_pages(10'000 * 32)));
    }
    CHECK(counted() == before);
}

TEST_CASE("an index is resident as a whole, and what it has grown out of is not") {
    const std::int64_t before = counted();
    number_index index;
    const auto hash_of = [](std::uint32_t number) { return finished_hash(number * hash_factor); };
    for (std::uint32_t number = 1; number <= 5'000; ++number)
        REQUIRE(index.insert(hash_of(number), number, hash_of));
    CHECK(counted() - before == 16'384 * 4); // the next power of two from twice as many on
    CHECK(index.find(hash_of(4'321), [](std::uint32_t number) { return number == 4'321; }) == 4'321);
    index.clear();
    CHECK(index.find(hash_of(4'321), [](std::uint32_t number) { return number == 4'321; }) == 0);
    index.give_back();
    CHECK(counted() == before);
    CHECK(index.insert(hash_of(7), 7, hash_of));
    CHECK(index.find(hash_of(7), [](std::uint32_t number) { return number == 7; }) == 7);
    index.give_back();
}

} // namespace resident_tests
