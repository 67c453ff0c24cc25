// SPDX-License-Identifier: MIT
// What one attempt with a failing allocation has shown: for testing/faults.hpp, whose bodies are beside this.
#pragma once

#include <peakscope/testing/faults.hpp>

#include <cstddef>
#include <ios>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>

namespace peakscope::testing::detail {

// What an attempt has shown, as text between processes too.
struct attempt_result {
    bool fired = false;
    bool found = false;
    fault_kind kind = fault_kind::leaked;
    std::string place{};
    std::string detail{};

    [[nodiscard]] std::string to_text() const {
        std::ostringstream text;
        text << fired << ' ' << found << ' ' << static_cast<int>(kind) << ' ' << place.size() << ' ' << place << detail;
        return std::move(text).str();
    }
    [[nodiscard]] static attempt_result from_text(const std::string& text) {
        attempt_result made;
        std::istringstream from{text};
        int kind = 0;
        std::size_t size = 0;
        from >> made.fired >> made.found >> kind >> size;
        from.get();
        made.kind = static_cast<fault_kind>(kind);
        made.place.resize(size);
        from.read(made.place.data(), static_cast<std::streamsize>(size));
        made.detail.assign(std::istreambuf_iterator<char>{from}, {});
        return made;
    }
};

} // namespace peakscope::testing::detail
