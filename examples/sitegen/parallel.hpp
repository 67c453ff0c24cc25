// SPDX-License-Identifier: MIT
// A loop over several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace sitegen {

/// Calls `act(index, worker)` once for each index below `count`. With one job it is a plain loop on the calling thread.
/// The first exception ends the loop and is thrown here.
template <class Act>
void for_each_index(std::size_t count, std::size_t jobs, Act act) {
    const std::size_t workers = std::min(jobs, count);
    if (workers <= 1) {
        for (std::size_t index = 0; index < count; ++index)
            act(index, std::size_t{0});
        return;
    }
    std::atomic<std::size_t> next{0};
    std::mutex failure_guard;
    std::exception_ptr failure;
    const auto work = [&](std::size_t worker) {
        try {
            for (std::size_t index = next++; index < count; index = next++)
                act(index, worker);
        } catch (...) {
            const std::lock_guard lock{failure_guard};
            if (!failure) failure = std::current_exception();
            next = count;
        }
    };
    {
        std::vector<std::jthread> threads;
        for (std::size_t worker = 0; worker < workers; ++worker)
            threads.emplace_back(work, worker);
    }
    if (failure) std::rethrow_exception(failure);
}

} // namespace sitegen
