// SPDX-License-Identifier: MIT
// How phases, work and labels of threads reach a heap source, and how often phases were opened on other threads than
// the measurement's. It counts for a measurement, and may be called when that is over.
#pragma once

#include <peakscope/core/concepts.hpp>
#include <peakscope/profiler/scopes.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace peakscope::profiler_detail {

// A thread port that counts.
class counting_port : public thread_port {
  public:
    // A measurement begins.
    void begin(std::size_t phase_count, bool strict) noexcept {
        for (std::size_t phase = 0; phase < phase_count; ++phase)
            entries_of(phase).store(0, std::memory_order_relaxed);
        strict_.store(strict, std::memory_order_relaxed);
    }
    // Throws `usage_error` where the measurement is strict.
    opened_phase open_elsewhere(std::size_t phase) final;
    opened_phase open_work(std::size_t phase) noexcept { return {this, enter_work(phase)}; }
    void close_phase(std::uint64_t before) noexcept final { leave_work(before); }

    // Since the measurement began, on other threads than its own.
    [[nodiscard]] virtual std::atomic<std::uint64_t>& entries_of(std::size_t phase) noexcept = 0;
    [[nodiscard]] virtual bool books_work() const noexcept = 0;

  protected:
    constexpr counting_port() = default;
    ~counting_port() = default;

  private:
    [[nodiscard]] virtual const char* path_of(std::size_t phase) const noexcept = 0;

    std::atomic<bool> strict_{false};
};

// What the source does not know does nothing.
template <class Phases, class Heap>
class port_for_phases final : public counting_port {
  public:
    unsigned short enter_label([[maybe_unused]] const char* name, [[maybe_unused]] std::size_t length) const override {
        if constexpr (tells_labels_apart<Heap>) return Heap::enter_label({name, length});
        return 0;
    }
    void leave_label([[maybe_unused]] unsigned short before) const noexcept override {
        if constexpr (tells_labels_apart<Heap>) Heap::leave_label(before);
    }
    std::uint64_t enter_work([[maybe_unused]] std::size_t phase) const noexcept override {
        if constexpr (attributes_work<Heap>) return Heap::enter_work(phase);
        return 0;
    }
    void leave_work([[maybe_unused]] std::uint64_t before) const noexcept override {
        if constexpr (attributes_work<Heap>) Heap::leave_work(before);
    }
    [[nodiscard]] bool books_work() const noexcept override { return attributes_work<Heap>; }
    [[nodiscard]] std::atomic<std::uint64_t>& entries_of(std::size_t phase) noexcept override {
        return entries_[phase];
    }

  private:
    [[nodiscard]] const char* path_of(std::size_t phase) const noexcept override {
        return Phases::table::infos[phase].path;
    }

    std::array<std::atomic<std::uint64_t>, Phases::count + 1> entries_{};
};
template <class Phases, class Heap>
inline constinit port_for_phases<Phases, Heap> port_of_process{};
struct no_port {};

} // namespace peakscope::profiler_detail
