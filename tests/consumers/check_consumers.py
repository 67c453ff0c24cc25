#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs outside of the project that use it: by a copy of include/, and by pkg-config after an installation; with shared
objects, and optimised as a whole.

Usage: check_consumers.py SOURCE_ROOT BUILD_ROOT BODIES COMPILER [ARGUMENT...]

BODIES is implementation.hpp, compiled, in an archive.
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
#if defined(PROFILE_MEMORY) && !defined(BODIES_ARE_ELSEWHERE)
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
# A program, a shared object that it is linked with, and one that it loads. The bodies are the program's alone.
SHARED = {
    "phases.hpp": """
#pragma once
#include <peakscope/profiler/profiler.hpp>
using Phases = peakscope::phases<"linked", "loaded">;
""",
    "linked.cpp": """
#include "phases.hpp"
void* linked() { auto phase = peakscope::scopes<Phases>::phase<"linked">(); return ::operator new(2 << 20); }
""",
    "loaded.cpp": """
#include "phases.hpp"
#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
using Memory = peakscope::profiler<Phases, peakscope::heap::counting<>>;
extern "C" void* loaded() { auto phase = Memory::phase<"loaded">(); return ::operator new(3 << 20); }
""",
    "host.cpp": """
#include "phases.hpp"
#include <dlfcn.h>
#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
void* linked();
int main() {
    void* const plugin = ::dlopen("./loaded.so", RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) return 1;
    auto* const loaded = reinterpret_cast<void* (*)()>(::dlsym(plugin, "loaded"));
    peakscope::profiler<Phases, peakscope::heap::counting<>> memory{"shared objects"};
    void* const blocks[] = {linked(), loaded()};
    const auto report = memory.finish();
    for (void* block : blocks) ::operator delete(block);
    const auto mebibytes = [&](unsigned phase) { return int(report.phases[phase].heap.delta->count >> 20); };
    return 10 * mebibytes(0) + mebibytes(1);
}
""",
}
FORGOTTEN_SOURCE = MEMORY.replace("#pragma once", "") + """
#include <peakscope/profiler/measurement.hpp>
int main() { Memory memory{"no source"}; }
"""


def run(command, **more):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)


def built(compiler, folder, flags, sources, program="program"):
    return run([*compiler, "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror",
                *flags, *sources, "-o", program], cwd=folder)


def check(name, condition, shown=""):
    print("ok  " if condition else "FAIL", name, "" if condition else shown)
    return bool(condition)


def consumer(name, compiler, folder, flags, *bodies):
    """Builds and runs the two-file program, profiled and not. Its objects stay."""
    for file, text in {"memory.hpp": MEMORY, "work.cpp": WORK, "main.cpp": MAIN}.items():
        (folder / file).write_text(text)
    good = True
    profiled = ["-DPROFILE_MEMORY", *(["-DBODIES_ARE_ELSEWHERE"] if bodies else [])]
    for defines, status, words in ([], 0, []), (profiled, 5, ["consumer", "work", "+5.00 MiB"]):
        done = None
        for each in "work", "main":
            done = done if done and done.returncode != 0 else built(compiler, folder, [*defines, *flags, "-c"], [f"{each}.cpp"], f"{each}.o")
        if done.returncode == 0:
            done = built(compiler, folder, flags, ["work.o", "main.o", *(bodies if defines else [])])
        good &= check(f"{name} {defines}: builds", done.returncode == 0, done.stderr[:3000])
        if done.returncode == 0:
            ran = run(["./program"], cwd=folder)
            good &= check(f"{name} {defines}: runs", ran.returncode == status, ran)
            good &= check(f"{name} {defines}: reports", all(word in ran.stderr for word in words) and bool(words) == bool(ran.stderr),
                          ran.stderr)
    return good


def main():
    source, build, archive, *compiler = sys.argv[1:]
    source, archive = pathlib.Path(source), pathlib.Path(archive).resolve()
    with tempfile.TemporaryDirectory() as name:
        root = pathlib.Path(name)
        copied = root / "copied"
        shutil.copytree(source / "include", copied / "include")
        good = consumer("a copy of include/", compiler, copied, ["-Iinclude", "-pthread"])

        # Objects that several programs are made of.
        flags = ["-Iinclude", "-pthread"]
        for file, text in {"scopes.hpp": SCOPES, "scoped.cpp": WORK.replace("memory.hpp", "scopes.hpp"), "measuring.cpp": MEASURING,
                           "bodies.cpp": "#include <peakscope/heap/counting_operators.hpp>\n", **SHARED}.items():
            (copied / file).write_text(text)
        for each in "scoped", "measuring", "bodies":
            done = built(compiler, copied, [*flags, "-c"], [each + ".cpp"], each + ".o")
            good &= check(f"{each}.cpp compiles", done.returncode == 0, done.stderr[:3000])

        done = built(compiler, copied, flags, ["work.o", "main.o", "bodies.o"])
        good &= check("operators included twice do not link", done.returncode != 0 and "multiple definition" in done.stderr and
                      "operator new" in done.stderr, done.stderr[:2000])

        done = built(compiler, copied, flags, ["scoped.o", "measuring.o", "bodies.o"])
        good &= check("three doors, a file each: builds", done.returncode == 0, done.stderr[:3000])
        if done.returncode == 0:
            ran = run(["./program"], cwd=copied) if done.returncode == 0 else done
            good &= check("three doors, a file each: reports", ran.returncode == 5 and "+5.00 MiB" in ran.stderr, ran)
        done = built(compiler, copied, flags, ["scoped.o", "measuring.o"])
        good &= check("bodies that are forgotten are named by the linker",
                      done.returncode != 0 and "include_peakscope_implementation_hpp_in_one_cpp_file" in done.stderr, done.stderr[:2000])
        done = built(compiler, copied, flags, ["scoped.o", "measuring.o", "bodies.o", "-Wl,--whole-archive", archive, "-Wl,--no-whole-archive"])
        good &= check("bodies included twice do not link", done.returncode != 0 and "multiple definition" in done.stderr,
                      done.stderr[:2000])
        seen = run([*compiler, "-std=c++20", "-Iinclude", "-M", "scoped.cpp"], cwd=copied)
        good &= check("a file with phases sees no policy", seen.returncode == 0 and "profiler.hpp" in seen.stdout and
                      not any(each in seen.stdout for each in ("heap/counting", "sites/frames", "sites/unwind", "rss/procfs")), seen)

        for name, (more, sources) in {"linked.so": (["-fPIC", "-shared"], ["linked.cpp"]),
                                      "loaded.so": (["-fPIC", "-shared"], ["loaded.cpp"]),
                                      "program": (["-rdynamic", "-Wl,-rpath,."], ["host.cpp", "bodies.o", "./linked.so"])}.items():
            done = built(compiler, copied, [*flags, *more], sources, name)
            good &= check(f"shared objects: {name} builds", done.returncode == 0, done.stderr[:3000])
        ran = run(["./program"], cwd=copied) if done.returncode == 0 else done
        good &= check("shared objects: their phases are the program's", ran.returncode == 23, ran)

        done = built(compiler, copied, [*flags, "-O2", "-flto"], ["scoped.cpp", "measuring.cpp", "bodies.cpp"])
        good &= check("-flto: builds", done.returncode == 0, done.stderr[:3000])
        ran = run(["./program"], cwd=copied) if done.returncode == 0 else done
        good &= check("-flto: reports", ran.returncode == 5 and "+5.00 MiB" in ran.stderr, ran)

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
        good &= consumer("pkg-config", compiler, installed, flags.stdout.split(), copied / "bodies.o")
        missing = [header for header in (source / "include").rglob("*.hpp")
                   if not (prefix / "include" / header.relative_to(source / "include")).is_file()]
        good &= check("every header is installed", not missing, missing)
    return 0 if good else 1


sys.exit(main())
