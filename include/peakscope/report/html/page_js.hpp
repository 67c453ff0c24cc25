// SPDX-License-Identifier: MIT
// Made by embed.py of its list of the script's files: change that, and run it again.
// clang-format off
#pragma once

#include <peakscope/report/html/script_flame.hpp>
#include <peakscope/report/html/script_format.hpp>
#include <peakscope/report/html/script_model.hpp>
#include <peakscope/report/html/script_page.hpp>
#include <peakscope/report/html/script_table.hpp>
#include <peakscope/report/html/script_tables.hpp>
#include <peakscope/report/html/script_timeline.hpp>
#include <peakscope/report/html/script_tree.hpp>

#include <array>
#include <string_view>

namespace peakscope::report::detail {

inline constexpr std::array<std::string_view, 8> page_js{
    script_format,
    script_model,
    script_tree,
    script_timeline,
    script_flame,
    script_table,
    script_tables,
    script_page,
};

} // namespace peakscope::report::detail
