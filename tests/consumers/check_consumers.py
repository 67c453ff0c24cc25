#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs outside of the project that use it: by a copy of include/, and by pkg-config after an installation.

Usage: check_consumers.py SOURCE_ROOT BUILD_ROOT COMPILER [ARGUMENT...]
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

MEMORY = """
#pragma once
#ifdef PROFILE_MEMORY
#include <peakscope/heap/fwd.hpp>
#include <peakscope/profiler/profiler.hpp>
#include <peakscope/report/fwd.hpp>
#include <peakscope/rss/fwd.hpp>
using Memory = peakscope::profiler<peakscope::phases<"work">, peakscope::heap::counting<>, peakscope::rss::procfs,
                                   peakscope::report::console>;
#else
#include <peakscope/profiler/profiler.hpp>
using Memory = peakscope::profiler<peakscope::phases<"work">>;
#endif
"""
WORK = """
#include "memory.hpp"
void* work() { auto phase = Memory::phase<"work">(); return ::operator new(5 << 20); }
"""
MAIN = """
#include "memory.hpp"
#include <peakscope/peakscope.hpp>
#ifdef PROFILE_MEMORY
#include <peakscope/heap/counting_operators.hpp>
#endif
void* work();
int main() {
    Memory memory{"consumer"};
    void* block = work();
    auto report = memory.finish({"block", 1});
    ::operator delete(block);
    return report.heap.delta ? int(report.heap.delta->count >> 20) : 0;
}
"""
# Files with phases know the phase list alone.
SCOPES = """
#pragma once
#include <peakscope/profiler/profiler.hpp>
using Phases = peakscope::phases<"work">;
using Memory = peakscope::scopes<Phases>;
"""
MEASURING = """
#include "scopes.hpp"
#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/rss/procfs.hpp>
void* work();
int main() {
    peakscope::profiler<Phases, peakscope::heap::counting<>, peakscope::rss::procfs, peakscope::report::console> memory{"scopes"};
    void* block = work();
    auto report = memory.finish({"block", 1});
    ::operator delete(block);
    return report.phases[0].heap.delta ? int(report.phases[0].heap.delta->count >> 20) : 0;
}
"""
INSTALLED_TWICE = "#include <peakscope/heap/counting_operators.hpp>\n"
FORGOTTEN_SOURCE = MEMORY.replace("#pragma once", "") + """
#include <peakscope/profiler/measurement.hpp>
int main() { Memory memory{"no source"}; }
"""


def run(command, **more):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)


def built(compiler, folder, flags, sources, program="program"):
    done = run([*compiler, "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror",
                *flags, *sources, "-o", program], cwd=folder)
    return done


def check(name, condition, shown=""):
    print("ok  " if condition else "FAIL", name, "" if condition else shown)
    return bool(condition)


def consumer(name, compiler, folder, flags):
    """Builds and runs the two-file program, profiled and not."""
    for file, text in {"memory.hpp": MEMORY, "work.cpp": WORK, "main.cpp": MAIN}.items():
        (folder / file).write_text(text)
    sources = ["work.cpp", "main.cpp"]
    good = True
    for defines, status, words in (["-DPROFILE_MEMORY"], 5, ["consumer", "work", "+5.00 MiB"]), ([], 0, []):
        done = built(compiler, folder, [*defines, *flags], sources)
        good &= check(f"{name} {defines}: builds", done.returncode == 0, done.stderr[:3000])
        if done.returncode == 0:
            ran = run(["./program"], cwd=folder)
            good &= check(f"{name} {defines}: runs", ran.returncode == status, ran)
            good &= check(f"{name} {defines}: reports", all(word in ran.stdout for word in words) and bool(words) == bool(ran.stdout),
                          ran.stdout)
    return good


def main():
    source, build, *compiler = sys.argv[1:]
    source = pathlib.Path(source)
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        copied = root / "copied"
        shutil.copytree(source / "include", copied / "include")
        good = consumer("a copy of include/", compiler, copied, ["-Iinclude", "-pthread"])

        (copied / "second.cpp").write_text(INSTALLED_TWICE)
        done = built(compiler, copied, ["-DPROFILE_MEMORY", "-Iinclude", "-pthread"], ["work.cpp", "main.cpp", "second.cpp"])
        good &= check("operators included twice do not link", done.returncode != 0 and "multiple definition" in done.stderr and
                      "operator new" in done.stderr, done.stderr[:2000])

        files = {"scopes.hpp": SCOPES, "scoped.cpp": WORK.replace("memory.hpp", "scopes.hpp"), "measuring.cpp": MEASURING,
                 "bodies.cpp": "#include <peakscope/heap/counting_operators.hpp>\n",
                 "bodies_again.cpp": "#include <peakscope/implementation.hpp>\n"}
        for file, text in files.items():
            (copied / file).write_text(text)
        flags = ["-Iinclude", "-pthread"]
        done = built(compiler, copied, flags, ["scoped.cpp", "measuring.cpp", "bodies.cpp"])
        good &= check("three doors, a file each: builds", done.returncode == 0, done.stderr[:3000])
        if done.returncode == 0:
            ran = run(["./program"], cwd=copied)
            good &= check("three doors, a file each: reports", ran.returncode == 5 and "+5.00 MiB" in ran.stdout, ran)
        done = built(compiler, copied, flags, ["scoped.cpp", "measuring.cpp"])
        good &= check("bodies that are forgotten are named by the linker",
                      done.returncode != 0 and "include_peakscope_implementation_hpp_in_one_cpp_file" in done.stderr, done.stderr[:2000])
        done = built(compiler, copied, flags, ["scoped.cpp", "measuring.cpp", "bodies.cpp", "bodies_again.cpp"])
        good &= check("bodies included twice do not link", done.returncode != 0 and "multiple definition" in done.stderr,
                      done.stderr[:2000])
        seen = run([*compiler, "-std=c++20", "-Iinclude", "-M", "scoped.cpp"], cwd=copied)
        good &= check("a file with phases sees no policy", seen.returncode == 0 and "profiler.hpp" in seen.stdout and
                      not any(each in seen.stdout for each in ("heap/counting", "sites/frames", "sites/unwind", "rss/procfs")), seen)

        (copied / "forgotten.cpp").write_text(FORGOTTEN_SOURCE)
        done = built(compiler, copied, ["-DPROFILE_MEMORY", "-Iinclude", "-pthread"], ["forgotten.cpp"])
        good &= check("a policy whose header is forgotten is named in the compile error", done.returncode != 0 and
                      "include its header where the measurement starts" in done.stderr, done.stderr[:2000])

        installed = root / "installed"
        installed.mkdir()
        done = run(["meson", "install", "-C", build, "--destdir", root / "dest", "--no-rebuild"])
        good &= check("meson install", done.returncode == 0, done.stdout + done.stderr)
        prefix = next((root / "dest").rglob("peakscope.pc")).parent.parent.parent
        environment = dict(os.environ, PKG_CONFIG_PATH=str(prefix / "share" / "pkgconfig"))
        flags = run(["pkg-config", f"--define-variable=prefix={prefix}", "--cflags", "--libs", "peakscope"], env=environment)
        good &= check("pkg-config knows peakscope", flags.returncode == 0 and "-I" in flags.stdout, flags.stderr)
        good &= consumer("pkg-config", compiler, installed, flags.stdout.split())
        missing = [header for header in (source / "include").rglob("*.hpp")
                   if not (prefix / "include" / header.relative_to(source / "include")).is_file()]
        good &= check("every header is installed", not missing, missing)
    return 0 if good else 1


sys.exit(main())
