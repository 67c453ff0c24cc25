// SPDX-License-Identifier: MIT
// Two C libraries at work, Lua and SQLite, in a program that counts malloc: they never call operator new.
//     program measure lua|sqlite      prints what heap::malloc_counting says of the work, as JSON
//     program run     lua|sqlite      does the work and measures nothing, to be run under another profiler
//     program nothing lua|sqlite      does neither
// Built with -DPLAIN it knows nothing of peakscope, and cannot measure.
#ifndef PLAIN
#include "../json_report.hpp"

#include <peakscope/heap/malloc_counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#endif

#include <lua.hpp>
#include <sqlite3.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

#ifndef PLAIN
using Memory = peakscope::profiler<peakscope::phases<"work">, peakscope::heap::malloc_counting<>, peakscope::rss::none,
                                   json_report>;
#endif

constexpr const char* script = R"(
    local words = {}
    for i = 1, 20000 do words[i] = ("word %d of %s"):format(i, string.rep("x", i % 50)) end
    table.sort(words)
    local tree = {}
    for i = 1, 3000 do tree = { left = tree, value = words[i], closure = function() return i end } end
    local text = table.concat(words, ",")
    collectgarbage()
)";

[[gnu::noinline]] void run_lua() {
    lua_State* const lua = luaL_newstate();
    luaL_openlibs(lua);
    if (luaL_dostring(lua, script) != LUA_OK) {
        std::fprintf(stderr, "%s\n", lua_tostring(lua, -1));
        std::exit(1);
    }
    lua_close(lua);
}

[[gnu::noinline]] void run_sqlite() {
    sqlite3* database = nullptr;
    char* error = nullptr;
    if (sqlite3_open(":memory:", &database) != SQLITE_OK ||
        sqlite3_exec(database,
                     "CREATE TABLE page (id INTEGER PRIMARY KEY, title TEXT, body TEXT);"
                     "CREATE INDEX by_title ON page (title);"
                     "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)"
                     "  INSERT INTO page SELECT i, 'title ' || (i * 7919 % 25000), printf('%.*c', i % 500, 'x') FROM n;"
                     "SELECT a.title, count(*) FROM page a JOIN page b ON b.id = a.id + 1 GROUP BY length(b.body) "
                     "  ORDER BY 2 DESC;"
                     "DELETE FROM page WHERE id % 3 = 0;",
                     nullptr, nullptr, &error) != SQLITE_OK) {
        std::fprintf(stderr, "%s\n", error != nullptr ? error : "sqlite3_open failed");
        std::exit(1);
    }
    sqlite3_close(database);
    sqlite3_shutdown();
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const std::string_view mode = argv[1];
    const auto work = std::string_view{argv[2]} == "lua" ? run_lua : run_sqlite;
    if (mode == "run") work();
#ifndef PLAIN
    if (mode == "measure") {
        Memory memory{"work"};
        {
            auto phase = Memory::phase<"work">();
            work();
        }
        memory.report();
    }
#endif
}
