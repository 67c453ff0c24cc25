#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same work under other profilers, beside peakscope's own table: one command, one machine, one run.

Usage: compare.py BUILD

First the pair of one deallocation and one allocation (heap_pair): peakscope's ways in one process; then bare malloc under each
other profiler, against bare malloc without one in a process of its own just before. Then whole builds of a site by sitegen.
Each figure is the median of several runs, taken in turns; in brackets their spread, (largest - smallest) / median.
"""
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1])
PROFILED = ("counting", "malloc_counting", "sampling", "frames", "unwind")
LIBRARIES = "/usr/lib/x86_64-linux-gnu/"


def text(values, digits=3):
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({100 * (max(values) - min(values)) / middle:.0f} %)"


def bare_nanoseconds(before=(), seconds=0.1, **environment):
    ran = subprocess.run([*before, BUILD / "benchmarks/heap_pair", "--bare", f"--benchmark_min_time={seconds}"],
                         env={**os.environ, **environment}, capture_output=True, text=True)
    if ran.returncode != 0 or "cannot be preloaded" in ran.stderr:
        raise OSError((ran.stderr or ran.stdout).strip().splitlines()[-1])
    rows = [line.split() for line in ran.stdout.splitlines() if "bare malloc" in line]
    return {int(row[0]): float(row[3]) for row in rows}


def pairs(folder):
    print(subprocess.run([BUILD / "benchmarks/heap_pair"], check=True, capture_output=True, text=True).stdout)
    peers = {
        "heaptrack": dict(before=["heaptrack", "--raw", "-o", str(folder / "heaptrack")]),
        "valgrind DHAT": dict(before=["valgrind", "--tool=dhat", f"--dhat-out-file={folder / 'dhat'}"]),
        "jemalloc, every allocation": dict(LD_PRELOAD=LIBRARIES + "libjemalloc.so.2",
                                           MALLOC_CONF=f"prof:true,lg_prof_sample:0,prof_prefix:{folder / 'jeprof'}"),
        "gperftools heap profile": dict(LD_PRELOAD=LIBRARIES + "libtcmalloc.so.4", HEAPPROFILE=str(folder / "gperftools")),
    }
    print(f"{'bare malloc under':28} {'1 thread':>10} {'ratio':>8} {'2 threads':>10} {'ratio':>8}")
    for name, how in peers.items():
        bare = bare_nanoseconds()
        try:
            found = bare_nanoseconds(**how)
        except OSError as error:
            print(f"{name:28} {error}")
            continue
        print(f"{name:28} " + " ".join(f"{found[threads]:10.0f} {found[threads] / bare[threads]:8.1f}" for threads in (1, 2)))


def build_seconds(program, site, folder, *more, before=()):
    output = folder / "output"
    shutil.rmtree(output, ignore_errors=True)
    start = time.perf_counter()
    subprocess.run([*before, BUILD / "benchmarks" / program, "build", site, "--output", output, *more], check=True,
                   capture_output=True)
    return time.perf_counter() - start


def whole_builds(folder, pages, runs, with_dhat):
    site = folder / f"site-{pages}"
    subprocess.run([BUILD / "benchmarks/sitegen_off", "new", site, "--pages", str(pages)], check=True, capture_output=True)
    ways = {
        "off": lambda: build_seconds("sitegen_off", site, folder),
        # Recording alone, as heaptrack and DHAT do; and with the names and the report, which they leave to another program.
        **{name: (lambda name=name: build_seconds(f"sitegen_{name}", site, folder, "--profile-memory=none"))
           for name in PROFILED},
        **{f"{name}, and the report": (lambda name=name: build_seconds(f"sitegen_{name}", site, folder, "--profile-memory"))
           for name in PROFILED},
    }
    if shutil.which("heaptrack"):
        ways["heaptrack"] = lambda: build_seconds("sitegen_off", site, folder,
                                                  before=["heaptrack", "--raw", "-o", str(folder / "heaptrack")])
    seconds = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            seconds[name].append(way())
    if with_dhat and shutil.which("valgrind"):
        seconds["valgrind DHAT"] = [build_seconds("sitegen_off", site, folder,
                                                  before=["valgrind", "--tool=dhat", f"--dhat-out-file={folder / 'dhat'}"])]
    print(f"\n{pages:,} pages, whole process, {runs} runs{'':6} {'seconds':>16} {'ratio':>7}")
    for name, values in seconds.items():
        ratio = statistics.median(values) / statistics.median(seconds["off"])
        print(f"{name:42} {text(values):>16} {ratio:7.2f}", flush=True)


def main():
    # In memory, where there is such a folder: the file system's own work moves more than what is measured.
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=shared) as name:
        folder = pathlib.Path(name)
        pairs(folder)
        whole_builds(folder, 1_000, 9, with_dhat=True)
        whole_builds(folder, 10_000, 3, with_dhat=False)  # it would take a quarter of an hour


main()
