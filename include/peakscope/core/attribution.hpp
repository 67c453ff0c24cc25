// SPDX-License-Identifier: MIT
// Who allocated, as a heap source hands it over when a measurement ends: numbers and addresses. Names come later, in
// the report.
#pragma once

#include <peakscope/core/bytes.hpp>
#include <peakscope/core/precision.hpp>
#include <peakscope/core/report.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace peakscope {

/// Where blocks come from: a call stack, the phase it allocated in, and the phase and the label that were in scope on
/// the thread.
struct attributed_origin {
    static constexpr std::size_t no_stack = static_cast<std::size_t>(-1);
    /// Phases by number: these two, then those of the phase list from `first_phase` on.
    enum : std::size_t { before_measurement = 0, outside_phases = 1, first_phase = 2 };
    /// Of the blocks for which there was no number left: their origin is not known at all.
    static constexpr std::size_t not_attributed = static_cast<std::size_t>(-1);

    std::size_t stack = no_stack;                  ///< index into `attribution::stacks`
    std::size_t born = before_measurement;         ///< the phase in scope on the thread, else `allocated_in`
    std::size_t allocated_in = before_measurement; ///< the innermost phase that was open
    std::size_t label = 0;                         ///< index into `attribution::labels`, 0 for none
    bool sampled = false; ///< its amounts are estimates, and its blocks are counted in another origin as well
};

/// What the blocks of one origin did in one window. The variances are those of estimates, else 0.
struct attributed_amounts {
    std::size_t origin = 0; ///< index into `attribution::origins`
    double allocated_bytes = 0;
    double freed_bytes = 0;
    double allocations = 0;
    double deallocations = 0;
    double at_peak_bytes = 0; ///< live at the moment of the window's peak
    double at_peak_blocks = 0;
    double allocated_variance = 0;
    double delta_variance = 0;
    double at_peak_variance = 0;
};

/// What a heap source knows of who allocated, in a measurement that is over. What is said of phases that the phase list
/// does not have is left out of the report.
struct attribution {
    struct window {
        /// Flows of the time in which this phase was the innermost; those of the phases inside it are not in them.
        /// What lived at the peak is of the whole window.
        std::vector<attributed_amounts> amounts{};
        std::vector<bytes> live_at_end{}; ///< by the phase of birth; of the last entry
        bytes not_attributed_at_end{};    ///< what of it is in no phase of birth
    };
    struct label {
        std::string name{};
        bytes peak{}; ///< the largest that its live blocks have held
    };

    precision of_sites = unavailable;                  ///< of the amounts of origins with a stack
    std::vector<std::vector<std::uintptr_t>> stacks{}; ///< return addresses, the innermost first
    std::vector<lifetime_figures> lifetimes{};         ///< by stack; empty where they are not watched
    std::vector<attributed_origin> origins{};
    std::vector<label> labels{};      ///< the first stands for none
    std::vector<work_figures> work{}; ///< by phase; each without the phases inside it
    std::vector<window> windows{};    ///< the measurement, then the phases by number
    std::vector<std::string> notes{}; ///< what a reader must know: what is missing
};

/// A call stack with names, and which of its frames is the site.
struct named_stack {
    std::vector<stack_frame> frames{};
    std::size_t shown = 0; ///< index into `frames`
};

/// The stacks of an attribution, in order, and what a reader must know about their names.
struct named_stacks {
    std::vector<named_stack> stacks{};
    std::string root{}; ///< the folder that files are shown relative to; with a '/' at its end, or empty
    std::vector<std::string> notes{};
    std::vector<module_report> modules{}; ///< that the frames lie in
    std::optional<naming_figures> naming{};
};

} // namespace peakscope
