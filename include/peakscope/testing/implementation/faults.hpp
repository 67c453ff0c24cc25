// SPDX-License-Identifier: MIT
// The bodies of testing/faults.hpp.
#pragma once

#include <peakscope/core/error.hpp>
#include <peakscope/core/format.hpp>
#include <peakscope/engine/fault_hook.hpp>
#include <peakscope/heap/resource.hpp>
#include <peakscope/profiler/implementation/attribute.hpp>
#include <peakscope/report/site_lines.hpp>
#include <peakscope/sites/symboliser.hpp>
#include <peakscope/testing/child_process.hpp>
#include <peakscope/testing/faults.hpp>
#include <peakscope/testing/implementation/attempt_result.hpp>
#include <peakscope/testing/implementation/fault_decision.hpp>
#include <peakscope/testing/implementation/measured_work.hpp>
#include <peakscope/testing/measured_work.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <new>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace peakscope::testing {

namespace detail {

constexpr const char* allocated_at = ", allocated at ";

// A leak is one row, however many failures leave memory of that line behind: the first, with the number of the others.
[[nodiscard]] std::vector<fault_finding> each_leak_once(const std::vector<fault_finding>& all) {
    std::vector<fault_finding> once;
    for (const fault_finding& each : all) {
        const std::size_t at = each.kind == fault_kind::leaked ? each.detail.find(allocated_at) : std::string::npos;
        const auto same = std::ranges::find_if(once, [&](const fault_finding& other) {
            return at != std::string::npos && other.kind == each.kind && other.detail.ends_with(each.detail.substr(at));
        });
        if (same == once.end())
            once.push_back(each);
        else
            same->times += each.times;
    }
    return once;
}

class fault_runner {
  public:
    // `resource` is the source where it is one that the work allocates from, else null.
    fault_runner(measured_runs& measured, heap::resource* resource, const any_work& work, const fault_options& options)
        : work_(work), options_(options), measured_(measured), resource_(resource) {
        if (resource_ != nullptr) resource_->set_upstream(upstream_);
        for (std::size_t i = 0; i < std::max<std::size_t>(options.warm_up, 1); ++i)
            static_cast<void>(measured_.run(work_));
        measured_.uncounted([&] {
            live_ = live_by_stack(measured_);
            std::vector<call_stack> chosen;
            if (!options.site.empty()) {
                for (const auto& [stack, place] : places_of(measured_))
                    if (place.find(options.site) != std::string::npos) chosen.push_back(stack);
                if (chosen.empty())
                    throw usage_error("faults: nothing was allocated at a site that holds '" + options.site +
                                      "'; the heap source needs a site policy, and the work must come there");
            }
            decision_.only_at(std::move(chosen));
        });
    }
    fault_runner(const fault_runner&) = delete;
    fault_runner& operator=(const fault_runner&) = delete;

    [[nodiscard]] fault_report each() {
        fault_report report;
        for (std::size_t number = 1; number <= options_.most_attempts; ++number) {
            decision_.by_number(number, true);
            const attempt_result result = options_.isolated ? isolated_attempt() : attempt();
            if (!result.fired) break;
            ++report.attempts;
            report.gave_up = number == options_.most_attempts;
            add(report, number, result);
        }
        measured_.uncounted([&] { report.findings = each_leak_once(report.findings); });
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
            add(report, run, result);
        }
        return report;
    }

  private:
    // In the order in which a person wants to hear of it: a broken promise before a leak.
    [[nodiscard]] attempt_result attempt() {
        attempt_result result;
        const heap_figures figures = measured_.run(guarded());
        measured_.uncounted([&] { look_at(figures, result); });
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
            result.detail = leaks_text(*figures.delta);
        }
        if (result.found) result.place = place_of(decision_.where());
    }

    [[nodiscard]] attempt_result isolated_attempt() {
        const auto attempt_in_child = [this] {
            // What this process has allocated since: known from the end of a window on.
            static_cast<void>(measured_.run({nullptr, [](void*, void*) {}}));
            measured_.uncounted([&] { live_ = live_by_stack(measured_); });
            return attempt().to_text();
        };
        const child_result child = run_in_children(1, attempt_in_child, options_.child).front();
        using enum child_outcome;
        if (child.outcome == returned) return attempt_result::from_text(child.text);
        if (child.outcome == threw) throw error("faults: the work fails by itself: " + child.text);
        if (child.outcome == not_started) throw error("faults: no attempt can be made in a child: " + child.text);
        attempt_result result;
        result.fired = result.found = true;
        result.kind = child.outcome == timed_out ? fault_kind::hung : fault_kind::crashed;
        result.detail = child.text;
        // The child cannot say where; the same allocation is looked at here, without failing.
        decision_.look();
        static_cast<void>(measured_.run(guarded()));
        measured_.uncounted([&] {
            unexpected_ = nullptr;
            result.place = place_of(decision_.where());
            if (result.kind == fault_kind::crashed) result.detail += noexcept_text(decision_.leaves_no_exception());
        });
        return result;
    }

    // Of a leak, each line that has left something behind is a finding.
    void add(fault_report& to, std::size_t number, const attempt_result& result) {
        if (!result.found) return;
        measured_.uncounted([&] {
            if (result.kind != fault_kind::leaked)
                return to.findings.push_back({result.kind, number, result.place, result.detail});
            std::istringstream lines{result.detail};
            for (std::string line; std::getline(lines, line);)
                to.findings.push_back({result.kind, number, result.place, line});
        });
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

    // A line for each line of the program that has left something behind.
    [[nodiscard]] std::string leaks_text(bytes leaked) {
        const std::map<call_stack, std::string> places = places_of(measured_);
        const std::map<call_stack, std::int64_t> before = std::exchange(live_, live_by_stack(measured_));
        std::map<std::string, bytes> by_place;
        for (const auto& [stack, held] : live_) {
            const auto held_before = before.find(stack);
            const bytes more{held - (held_before != before.end() ? held_before->second : 0)};
            if (const auto place = places.find(stack); more.count > 0 && place != places.end())
                by_place[place->second] += more;
        }
        if (by_place.empty()) return format_bytes(leaked);
        std::string lines;
        for (const auto& [place, held] : by_place)
            lines += (lines.empty() ? "" : "\n") + format_bytes(held) + allocated_at + place;
        return lines;
    }

    // What a crash is about: an exception that nothing lets out.
    [[nodiscard]] std::string noexcept_text(std::uintptr_t return_address) const {
        if (return_address == 0) return "";
        attribution one;
        one.stacks.push_back({return_address});
        const named_stacks names = measured_.named(one);
        const site_report site = profiler_detail::site_of(names.stacks[0], names.root);
        const std::size_t shown = names.stacks[0].shown;
        const bool of_library = shown < site.stack.size() && sites::naming_rule{}.is_library(site.stack[shown]);
        return std::string{": std::bad_alloc cannot leave a noexcept function"} + (of_library ? " of a library" : "") +
               ", " + report::detail::place_of(site);
    }

    [[nodiscard]] std::string place_of(const call_stack& stack) {
        const std::map<call_stack, std::string> places = places_of(measured_);
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
    std::map<call_stack, std::int64_t> live_{};
    std::exception_ptr unexpected_{};
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
    for (const fault_finding& each : detail::each_leak_once(findings))
        lines += "\n  " + std::string{name(each.kind)} + (seed ? " in attempt " : " when allocation ") +
                 std::to_string(each.number) + (seed ? "" : " failed") +
                 (each.times > 1 ? " and " + std::to_string(each.times - 1) + " more times" : "") +
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
