// SPDX-License-Identifier: MIT
// heap::checked_resource with a site policy: each error names the user's own lines.
#include <peakscope/heap/checked_resource.hpp>
#include <peakscope/sites/libbacktrace.hpp>
#include <peakscope/sites/unwind.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <memory_resource>
#include <string>
#include <vector>

using namespace peakscope;

namespace {

constexpr unsigned allocates_line = __LINE__ + 2;
[[gnu::noinline]] void* allocates(std::pmr::memory_resource& from) {
    void* volatile block = from.allocate(40); // volatile: not a tail call
    return block;
}

constexpr unsigned frees_line = __LINE__ + 2;
[[gnu::noinline]] void frees(std::pmr::memory_resource& to, void* block, std::size_t size_bytes) {
    to.deallocate(block, size_bytes);
    const volatile int not_a_tail_call = 0;
    static_cast<void>(not_a_tail_call);
}

bool names(const std::string& place, unsigned line, const std::string& function) {
    return place.find("checked_sites.cpp:" + std::to_string(line) + " ") != std::string::npos &&
           place.find(function) != std::string::npos;
}

} // namespace

TEST_CASE("where it was allocated, where it was freed first, and where it is wrong") {
    std::vector<heap::misuse> errors;
    {
        heap::checked_resource<sites::unwind<16>> memory{std::pmr::new_delete_resource(),
                                                         [&](const heap::misuse& error) { errors.push_back(error); }};
        void* volatile block = allocates(memory);
        frees(memory, block, 39);
        frees(memory, block, 40);
        block = allocates(memory);
    }
    REQUIRE(errors.size() == 3);
    for (const heap::misuse& error : errors) {
        CAPTURE(error.message);
        CHECK(names(error.allocated_at, allocates_line, "allocates"));
        CHECK(names(error.called_at, frees_line, "frees") == (error.kind != heap::misuse_kind::leaked));
        CHECK(names(error.freed_at, frees_line, "frees") == (error.kind == heap::misuse_kind::freed_twice));
        CHECK(error.message.find(", allocated at ") != std::string::npos);
    }
    CHECK(errors[0].kind == heap::misuse_kind::wrong_size);
    CHECK(errors[1].kind == heap::misuse_kind::freed_twice);
    CHECK(errors[2].kind == heap::misuse_kind::leaked);
}
