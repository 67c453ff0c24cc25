// SPDX-License-Identifier: MIT
// Text that its copies share: thousands of call stacks have the same few functions and files.
#pragma once

#include <peakscope/core/reference_count.hpp>

#include <compare>
#include <concepts>
#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>

namespace peakscope {

namespace detail {

template <class Text>
concept text = std::convertible_to<Text, std::string_view> && !std::same_as<Text, std::nullptr_t>;

} // namespace detail

/// Text that does not change; another can be assigned. A copy allocates nothing. Copies may be used on different
/// threads.
class shared_text {
  public:
    shared_text() noexcept = default;
    /// Throws std::bad_alloc, as the others do.
    shared_text(std::string text) : held_(text.empty() ? nullptr : new held{.text = std::move(text)}) {}
    shared_text(std::string_view text) : shared_text(std::string{text}) {}
    shared_text(const char* text) : shared_text(std::string{text}) {}
    shared_text(std::nullptr_t) = delete;
    shared_text(const shared_text& other) noexcept : held_(other.held_) {
        if (held_ != nullptr) held_->copies.add();
    }
    shared_text(shared_text&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
    shared_text& operator=(shared_text other) noexcept {
        std::swap(held_, other.held_);
        return *this;
    }
    ~shared_text() {
        if (held_ != nullptr && held_->copies.remove()) delete held_;
    }

    [[nodiscard]] bool empty() const noexcept { return held_ == nullptr; }
    /// Valid as long as this or a copy has the text.
    [[nodiscard]] const std::string& str() const& noexcept { return held_ != nullptr ? held_->text : none(); }
    [[nodiscard]] std::string str() const&& { return std::string{view()}; }
    [[nodiscard]] std::string_view view() const noexcept {
        return held_ != nullptr ? std::string_view{held_->text} : std::string_view{};
    }
    [[nodiscard]] const char* c_str() const noexcept { return held_ != nullptr ? held_->text.c_str() : ""; }
    [[nodiscard]] std::size_t size() const noexcept { return view().size(); }
    [[nodiscard]] bool starts_with(std::string_view part) const noexcept { return view().starts_with(part); }
    [[nodiscard]] bool ends_with(std::string_view part) const noexcept { return view().ends_with(part); }
    /// std::string::npos where it has none.
    [[nodiscard]] std::size_t find(std::string_view part) const noexcept { return view().find(part); }
    [[nodiscard]] std::size_t find(char one) const noexcept { return view().find(one); }
    /// A copy: a reference into a text that goes at once would outlive it.
    operator std::string() const { return std::string{view()}; }
    operator std::string_view() const noexcept { return view(); }

    template <detail::text Text>
    [[nodiscard]] friend bool operator==(const shared_text& left, const Text& right) noexcept {
        return left.view() == std::string_view(right);
    }
    template <detail::text Text>
    [[nodiscard]] friend std::strong_ordering operator<=>(const shared_text& left, const Text& right) noexcept {
        return left.view() <=> std::string_view(right);
    }
    [[nodiscard]] friend bool operator==(const shared_text& left, const shared_text& right) noexcept {
        return left.held_ == right.held_ || left.view() == right.view();
    }
    [[nodiscard]] friend std::strong_ordering operator<=>(const shared_text& left, const shared_text& right) noexcept {
        return left.view() <=> right.view();
    }

    template <detail::text Text>
    [[nodiscard]] friend std::string operator+(const shared_text& left, const Text& right) {
        return std::string{left.view()}.append(std::string_view(right));
    }
    template <detail::text Text>
        requires(!std::same_as<Text, shared_text>)
    [[nodiscard]] friend std::string operator+(const Text& left, const shared_text& right) {
        return std::string{std::string_view(left)}.append(right.view());
    }

    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                        const shared_text& text) {
        return out << text.view();
    }

  private:
    [[nodiscard]] static const std::string& none() noexcept {
        // Without a destructor: a report may be made at exit.
        union never_destroyed {
            never_destroyed() noexcept : text() {}
            ~never_destroyed() {} // NOLINT(modernize-use-equals-default): that would be deleted
            std::string text;
        };
        static const never_destroyed empty;
        return empty.text;
    }

    struct held {
        std::string text;
        reference_count copies{};
    };

    held* held_ = nullptr; // null: empty
};

} // namespace peakscope

template <>
struct std::hash<peakscope::shared_text> {
    [[nodiscard]] std::size_t operator()(const peakscope::shared_text& text) const noexcept {
        return std::hash<std::string_view>{}(text.view());
    }
};
