// SPDX-License-Identifier: MIT
// The bodies of testing/faults.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/engine/fault_hook.hpp>
#include <peakscope/heap/resource.hpp>
#include <peakscope/testing/child_process.hpp>
#include <peakscope/testing/faults.hpp>
#include <peakscope/testing/implementation/fault_decision.hpp>
#include <peakscope/testing/measured_work.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <map>
#include <new>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

namespace detail {

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

class fault_runner {
  public:
    // `resource` is the source where it is one that the work allocates from, else null.
    fault_runner(measured_runs& measured, heap::resource* resource, const any_work& work, const fault_options& options)
        : work_(work), options_(options), measured_(measured), resource_(resource) {
        if (resource_ != nullptr) resource_->set_upstream(upstream_);
        for (std::size_t i = 0; i < std::max<std::size_t>(options.warm_up, 1); ++i)
            static_cast<void>(measured_.run(work_));
        measured_.as_profilers([&] {
            live_ = measured_.live_by_stack();
            std::vector<call_stack> chosen;
            if (!options.site.empty()) {
                for (const auto& [stack, place] : measured_.places())
                    if (place.find(options.site) != std::string::npos) chosen.push_back(stack);
                if (chosen.empty())
                    throw usage_error("faults: nothing was allocated at a site that holds '" + options.site +
                                      "'; the heap source needs a site policy, and the work must come there");
            }
            decision_.only_at(std::move(chosen));
        });
    }

    [[nodiscard]] fault_report each() {
        fault_report report;
        for (std::size_t number = 1; number <= options_.most_attempts; ++number) {
            decision_.by_number(number, true);
            const attempt_result result = options_.isolated ? isolated_attempt() : attempt();
            if (!result.fired) return report;
            ++report.attempts;
            if (result.found) report.findings.push_back({result.kind, number, result.place, result.detail});
        }
        report.gave_up = true;
        return report;
    }

    [[nodiscard]] fault_report at_random(std::size_t runs, double probability, std::uint64_t seed) {
        fault_report report;
        report.seed = seed;
        for (std::size_t run = 1; run <= runs; ++run) {
            decision_.at_random(probability, seed + run);
            const attempt_result result = options_.isolated ? isolated_attempt() : attempt();
            if (!result.fired) continue;
            ++report.attempts;
            if (result.found) report.findings.push_back({result.kind, run, result.place, result.detail});
        }
        return report;
    }

  private:
    // In the order in which a person wants to hear of it: a broken promise before a leak.
    [[nodiscard]] attempt_result attempt() {
        attempt_result result;
        const heap_figures figures = measured_.run(guarded());
        measured_.as_profilers([&] { look_at(figures, result); });
        return result;
    }

    void look_at(const heap_figures& figures, attempt_result& result) {
        result.fired = decision_.fired();
        if (!result.fired && unexpected_) std::rethrow_exception(std::exchange(unexpected_, nullptr));
        unexpected_ = nullptr;
        if (!result.fired) return;
        if (std::string broken; !keeps_promise(broken)) {
            result.found = true;
            result.kind = fault_kind::broke_promise;
            result.detail = std::move(broken);
        } else if (figures.delta && figures.delta->count > 0) {
            result.found = true;
            result.detail = leak_text(*figures.delta);
        }
        if (result.found) result.place = place_of(decision_.where());
    }

    [[nodiscard]] attempt_result isolated_attempt() {
        const child_result child = run_in_children(1, [this] { return attempt().to_text(); }, options_.child).front();
        if (child.succeeded) return attempt_result::from_text(child.text);
        if (child.text.starts_with("it threw: ")) throw error("faults: the work fails by itself: " + child.text);
        attempt_result result;
        result.fired = result.found = true;
        result.kind = child.text.starts_with("it took longer") ? fault_kind::hung : fault_kind::crashed;
        result.detail = child.text;
        // The child cannot say where; the same allocation is looked at here, without failing.
        decision_.look();
        static_cast<void>(measured_.run(guarded()));
        measured_.as_profilers([&] {
            unexpected_ = nullptr;
            static_cast<void>(measured_.live_by_stack());
            result.place = place_of(decision_.where());
        });
        return result;
    }

    [[nodiscard]] bool keeps_promise(std::string& broken) const {
        if (!options_.promise) return true;
        try {
            if (options_.promise()) return true;
            broken = "it says no";
        } catch (const std::exception& thrown) {
            broken = thrown.what();
        }
        return false;
    }

    [[nodiscard]] std::string leak_text(bytes leaked) {
        std::map<call_stack, std::int64_t> live = measured_.live_by_stack();
        std::string text = format_bytes(leaked);
        const std::map<call_stack, std::string> places = measured_.places();
        for (const auto& [stack, held] : live)
            if (const auto before = live_.find(stack); held > (before != live_.end() ? before->second : 0))
                if (const auto place = places.find(stack); place != places.end())
                    text += ", allocated at " + place->second;
        live_ = std::move(live);
        return text;
    }

    [[nodiscard]] std::string place_of(const call_stack& stack) {
        const std::map<call_stack, std::string> places = measured_.places();
        const auto found = places.find(stack);
        return found != places.end() ? found->second : "";
    }

    // Nothing that the work throws leaves a measurement's window: the exception would be live in it.
    [[nodiscard]] any_work guarded() noexcept {
        return {this, [](void* of, void* source) {
                    fault_runner& runner = *static_cast<fault_runner*>(of);
                    try {
                        runner.work_under_faults(source);
                    } catch (const std::bad_alloc&) { // NOLINT(bugprone-empty-catch): it may throw that
                    } catch (...) {
                        if (!runner.decision_.fired()) runner.unexpected_ = std::current_exception();
                    }
                }};
    }

    void work_under_faults(void* source) {
        if (resource_ != nullptr) {
            const struct armed {
                failing_upstream& upstream;
                explicit armed(failing_upstream& of) : upstream(of) { upstream.fails = true; }
                ~armed() { upstream.fails = false; }
            } while_it_runs{upstream_};
            work_.call(work_.of, source);
        } else {
            const engine::fault_scope faults{fault_decision::decide, &decision_};
            work_.call(work_.of, source);
        }
    }

    any_work work_;
    const fault_options& options_;
    fault_decision decision_{options_};
    failing_upstream upstream_{decision_};
    measured_runs& measured_;
    heap::resource* resource_;
    std::map<call_stack, std::int64_t> live_;
    std::exception_ptr unexpected_;
};

fault_report each_fault(measured_runs& measured, heap::resource* resource, const any_work& work,
                        const fault_options& options) {
    return fault_runner{measured, resource, work, options}.each();
}
fault_report random_faults(measured_runs& measured, heap::resource* resource, const any_work& work,
                           const fault_options& options, std::size_t runs, double probability, std::uint64_t seed) {
    return fault_runner{measured, resource, work, options}.at_random(runs, probability, seed);
}

} // namespace detail

std::string fault_report::text() const {
    std::string lines = format_count(attempts) + " attempts with a failing allocation, " +
                        format_count(findings.size()) + " findings" +
                        (seed ? "; at random with seed " + std::to_string(*seed) : std::string{}) +
                        (gave_up ? "; given up before the work got through" : "");
    for (const fault_finding& each : findings)
        lines += "\n  " + std::string{name(each.kind)} + (seed ? " in attempt " : " when allocation ") +
                 std::to_string(each.number) + (seed ? "" : " failed") +
                 (each.place.empty() ? "" : ", at " + each.place) + ": " + each.detail;
    return lines;
}

const char* fault_report::name(fault_kind kind) noexcept {
    switch (kind) {
    case fault_kind::leaked:
        return "leaked";
    case fault_kind::crashed:
        return "crashed";
    case fault_kind::broke_promise:
        return "broke its promise";
    case fault_kind::hung:
        break;
    }
    return "hung";
}

} // namespace peakscope::testing
