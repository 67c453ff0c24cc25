// SPDX-License-Identifier: MIT
// How a measurement starts: what may follow its title, in any order, beside what settles.
//
//     Memory memory{"100-page build", peakscope::when(options.profile_memory)}; // measured if asked
//     Memory asked{"100-page build", peakscope::when_asked()};                // ... by PEAKSCOPE=console
//     Memory tested{"cache", [&] { cache.clear(); }, peakscope::strict};      // in a test
#pragma once

namespace peakscope {

struct strict_option {};
/// For tests: a phase in a wrong place or on another thread, and `finish` while a phase is open, throw `usage_error`.
inline constexpr strict_option strict{};

struct when_option {
    bool measures;
};
/// Measures only where `measures` is true; a source that counts on every allocation is switched on then. Where it is
/// false, nothing is measured: neither the function that settles nor one for the title is called, phases, labels and
/// work open nothing, `finish` returns an empty report and calls no backend, and such a source is switched off, as by
/// `heap::switch_counting_off`, unless another measurement uses it.
[[nodiscard]] constexpr when_option when(bool measures) noexcept { return {measures}; }

struct when_asked_option {};
/// Measured if the environment variable PEAKSCOPE is there, and is not empty, "0" or "off". "1" stands for all of the
/// measurement's report backend; any other value is a backend's name, which chooses one out of a `report::tee`. Where
/// there is none of that name, all of them get the report, with a note.
[[nodiscard]] constexpr when_asked_option when_asked() noexcept { return {}; }

struct if_possible_option {};
/// Where the measurement cannot start, because another one runs or a source cannot measure, the program goes on without
/// one. The report then has no figures and says why in a note.
inline constexpr if_possible_option if_possible{};

} // namespace peakscope
