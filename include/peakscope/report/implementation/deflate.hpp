// SPDX-License-Identifier: MIT
// The bodies of report/deflate.hpp.
#pragma once

#include <peakscope/report/deflate.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace peakscope::report {

namespace detail {

// The symbols of RFC 1951, 3.2.5 and 3.2.6, as bits: numbers from their lowest bit, codes from their highest.
class deflate_writer {
  public:
    explicit deflate_writer(std::string& out) : out_(out) {
        number(1, 1); // the last block, and the only one
        number(1, 2); // of fixed codes
    }

    void literal(unsigned value) {
        if (value < 144)
            code(0x30 + value, 8);
        else if (value < 256)
            code(0x190 + value - 144, 9);
        else if (value < 280)
            code(value - 256, 7);
        else
            code(0xc0 + value - 280, 8);
    }

    // A copy of `length` bytes, 3 to 258, from `distance` bytes back, 1 to 32,768. Codes stand for ranges that double:
    // of a power of two there are four of lengths and two of distances, and the bits below follow.
    void copy(unsigned length, unsigned distance) {
        const unsigned of_length = length - 3;
        if (length == 258) {
            literal(285);
        } else if (of_length < 8) {
            literal(257 + of_length);
        } else {
            const auto top = static_cast<unsigned>(std::bit_width(of_length)) - 1;
            literal(257 + 4 * (top - 1) + ((of_length >> (top - 2)) & 3));
            number(of_length & ((1U << (top - 2)) - 1), top - 2);
        }
        const unsigned back = distance - 1;
        if (back < 4) {
            code(back, 5);
        } else {
            const auto top = static_cast<unsigned>(std::bit_width(back)) - 1;
            code(2 * top + ((back >> (top - 1)) & 1), 5);
            number(back & ((1U << (top - 1)) - 1), top - 1);
        }
    }

    void end() {
        literal(256);
        if (count_ > 0) number(0, 8 - count_);
    }

  private:
    void number(unsigned value, unsigned count) {
        bits_ |= value << count_;
        for (count_ += count; count_ >= 8; count_ -= 8, bits_ >>= 8)
            out_ += static_cast<char>(bits_ & 0xff);
    }
    void code(unsigned value, unsigned count) {
        unsigned reversed = 0;
        for (unsigned bit = 0; bit < count; ++bit)
            reversed |= ((value >> bit) & 1) << (count - 1 - bit);
        number(reversed, count);
    }

    std::string& out_;
    unsigned bits_ = 0;
    unsigned count_ = 0;
};

// Where the three bytes at a place have stood before, the latest first, in a text of less than 4 GiB.
class deflate_history {
  public:
    static constexpr unsigned reach = 32'768;

    explicit deflate_history(std::string_view text) : text_(text), latest_(reach, none), before_(reach, none) {}

    struct match {
        unsigned length = 0;
        unsigned distance = 0;
    };

    // The longest copy that the text at `place` can be made of, among the latest few.
    [[nodiscard]] match find(std::size_t place) const {
        match best;
        if (place + 3 > text_.size()) return best;
        const std::size_t most = std::min<std::size_t>(258, text_.size() - place);
        std::uint32_t candidate = latest_[hash(place)];
        for (int tries = 0; tries < 16 && candidate != none && place - candidate <= reach; ++tries) {
            unsigned length = 0;
            while (length < most && text_[candidate + length] == text_[place + length])
                ++length;
            if (length > best.length) best = {length, static_cast<unsigned>(place - candidate)};
            const std::uint32_t next = before_[candidate % reach];
            if (next >= candidate) break; // its place in the ring has been taken since
            candidate = next;
        }
        return best.length >= 3 ? best : match{};
    }

    void add(std::size_t place) {
        if (place + 3 > text_.size()) return;
        std::uint32_t& latest = latest_[hash(place)];
        before_[place % reach] = latest;
        latest = static_cast<std::uint32_t>(place);
    }

  private:
    static constexpr std::uint32_t none = 0xffff'ffff;

    [[nodiscard]] std::size_t hash(std::size_t place) const {
        std::uint32_t three = 0;
        std::memcpy(&three, text_.data() + place, 3);
        return (three * 2'654'435'761U) >> 17;
    }

    std::string_view text_;
    std::vector<std::uint32_t> latest_;
    std::vector<std::uint32_t> before_;
};

} // namespace detail

std::string deflated(std::string_view text) {
    std::string made;
    detail::deflate_writer writer{made};
    detail::deflate_history history{text};
    for (std::size_t place = 0; place < text.size();) {
        const auto match = history.find(place);
        if (match.length == 0)
            writer.literal(static_cast<unsigned char>(text[place]));
        else
            writer.copy(match.length, match.distance);
        for (const std::size_t end = place + std::max(match.length, 1U); place < end; ++place)
            history.add(place);
    }
    writer.end();
    return made;
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string made;
    made.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t place = 0; place < bytes.size(); place += 3) {
        const std::size_t have = std::min<std::size_t>(3, bytes.size() - place);
        std::uint32_t three = 0;
        for (std::size_t each = 0; each < 3; ++each)
            three = three << 8 | (each < have ? static_cast<unsigned char>(bytes[place + each]) : 0U);
        for (std::size_t digit = 0; digit < 4; ++digit)
            made += digit <= have ? digits[(three >> (18 - 6 * digit)) & 63] : '=';
    }
    return made;
}

} // namespace peakscope::report
