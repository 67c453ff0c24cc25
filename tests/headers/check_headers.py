#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each header compiles on its own, twice in one file, and includes nothing of a layer above its own. What it declares of
the library has a body in what it includes or behind implementation.hpp: g++ keeps all inline functions, so that what they
call shows.
What a file needs that opens phases includes next to nothing at all. No header is longer than 300 lines.

Usage: check_headers.py INCLUDE_DIRECTORY BODIES COMPILER [ARGUMENT...]

BODIES is implementation.hpp, compiled; nothing where what links is not looked at.
The layers and their order are read from include/peakscope/README.md, so that the page cannot disagree with the code.
"""
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

# What only a layer that measures may know of: the operating system's own headers.
PLATFORM = re.compile(r"#\s*include\s*<(unistd\.h|fcntl\.h|pthread\.h|malloc\.h|sys/.*|linux/.*|windows\.h)>")
PLATFORM_LAYERS = {"memory", "engine", "heap", "rss", "sites"}
BRINGS_BODIES = {"heap/counting_operators.hpp", "heap/malloc_counting_functions.hpp"}  # include implementation.hpp, at the very top
PLATFORM_HEADERS = {"testing/implementation/child_process.hpp", "core/implementation/watcher.hpp"}  # processes of their own
OPTIONAL = re.compile(r"#\s*include\s*<(nlohmann/|protozero/|zlib\.h|range/|fmt/|doctest/|gtest/|gmock/|catch2/|benchmark/|backtrace\.h|libunwind\.h)")
# Every file of a program that opens phases includes these: the C++ library's headers cost more than they do.
LIGHT = {"profiler/profiler.hpp", "profiler/scopes.hpp", "heap/fwd.hpp", "rss/fwd.hpp", "sites/fwd.hpp", "report/fwd.hpp"}
ENDS_COMPILATION = {"this_file_is_not_compiled_as_cpp20", "this_file_is_compiled_without_exceptions"}  # there are none
CHEAP = {"cstddef", "cstdint"}
MAY_NEED_OPTIONAL = {"testing/doctest.hpp", "testing/gtest.hpp", "testing/catch2.hpp", "testing/catch2_capture.hpp",
                     "testing/benchmark.hpp", "report/json.hpp", "report/json_document.hpp", "report/json_place.hpp",
                     "report/json_reader.hpp", "report/json_rules.hpp", "report/pprof.hpp", "sites/libbacktrace.hpp",
                     "sites/unwind_rules.hpp"}


def layers_of(page):
    rows = re.findall(r"^\| `([a-z]+)/` \|", page.read_text(), re.MULTILINE)
    assert rows, "the page lists no layers"
    return rows


def check_includes(root, header, order):
    """Problems with what a header includes, as texts."""
    name = header.relative_to(root).as_posix()
    own = name.split("/")[0] if "/" in name else None
    if own is not None and own not in order:
        return [f"{name}: the page does not list the layer '{own}'"]
    problems = []
    text = header.read_text()
    if text.count("\n") > 300:
        problems.append(f"{name}: has more than 300 lines")
    for included in re.findall(r"#\s*include\s*[<\"]peakscope/([^>\"]+)[>\"]", text):
        if included in ENDS_COMPILATION:
            continue
        if not (root / included).is_file():
            problems.append(f"{name}: includes {included}, which is not there")
        elif name not in BRINGS_BODIES and own is not None and ("/" not in included or order.index(included.split("/")[0]) > order.index(own)):
            problems.append(f"{name}: includes {included}, a layer above its own")
    if own not in PLATFORM_LAYERS and name not in PLATFORM_HEADERS and PLATFORM.search(text):
        problems.append(f"{name}: includes {PLATFORM.search(text).group(1)} outside of the platform layers")
    if name not in MAY_NEED_OPTIONAL and OPTIONAL.search(text) and not ("/implementation/" in name and "<range/" in text):
        problems.append(f"{name}: needs an optional dependency: {OPTIONAL.search(text).group(0)}")
    return problems


def check_light(root):
    """What the light headers include, themselves or through others, must be cheap."""
    problems = []
    reached, waiting = set(), [name for name in LIGHT if (root / name).is_file()]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        text = re.sub(r"^#if !defined\(__GNUC__\)$.*?^#endif$", "", (root / name).read_text(), flags=re.MULTILINE | re.DOTALL)
        for included in re.findall(r"#\s*include\s*[<\"]([^>\"]+)[>\"]", text):
            if included.removeprefix("peakscope/") in ENDS_COMPILATION:
                continue
            if included.startswith("peakscope/"):
                waiting.append(included.removeprefix("peakscope/"))
            elif included not in CHEAP:
                problems.append(f"{name}: includes <{included}>, and every file that opens a phase pays for it")
    return problems


WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Weffc++", "-Wold-style-cast", "-Werror"]


def check_compiles(include, name, headers, compiler, folder):
    source = folder / (name.replace("/", "_") + ".cpp")
    source.write_text("".join(f"#include <peakscope/{header}>\n" * 2 for header in headers))
    run = subprocess.run([*compiler, "-std=c++20", *WARNINGS, "-fsyntax-only", "-I", str(include), str(source)], capture_output=True, text=True)
    if run.returncode != 0 and len(headers) > 1:
        return [problem for each in headers for problem in check_compiles(include, each, [each], compiler, folder)] or [
            f"{', '.join(headers)}: do not compile in one file:\n{run.stderr[:3000]}"]
    return [f"{name}: does not compile on its own:\n{run.stderr[:3000]}"] if run.returncode != 0 else []


def shown(*command):
    return subprocess.run([str(each) for each in command], capture_output=True, text=True, check=True).stdout


def symbols(object_file, *options):
    """(symbol, its kind, where its source is or "") for each of the library's in an object file or archive, by nm."""
    lines = (re.fullmatch(r"(?:[0-9a-f]+)? +(\w) (\S+)(?:\t(.*):\d+)?", line) for line in shown("nm", *options, object_file).splitlines())
    return [(found[2], found[1], found[3] or "") for found in lines if found and "9peakscope" in found[2]]


def check_bodies(include, headers, whole, compiler, folder, archive):
    """Headers in one file, with all that they have inline: whatever an inline function of a header calls must have its
    body in what that header includes, or in the archive."""
    source, made = folder / "bodies.cpp", folder / "bodies.o"
    source.write_text("".join(f"#include <peakscope/{header}>\n" for header in headers))
    run = subprocess.run([*compiler, "-std=c++20", "-g1", "-w", "-fkeep-inline-functions", "-ffunction-sections", "-c", "-I", str(include),
                          str(source), "-o", str(made)], capture_output=True, text=True)
    if run.returncode != 0:
        return [f"the headers do not compile in one file:\n{run.stderr[:3000]}"]
    behind = {name for name, kind, _ in symbols(archive) if kind in "TDBRVWu"}
    defined, header_of = set(), {}
    for name, kind, place in symbols(made, "-l"):
        if kind != "U":
            defined.add(name)
            if "/peakscope/" in place:
                header_of[name] = place.rsplit("/peakscope/", 1)[1]
    problems, function = set(), ""
    for line in shown("readelf", "-rW", made).splitlines():
        if section := re.match(r"Relocation section '\.rela\.(?:text\.)?([^']*)'", line):
            function = section[1]
            continue
        wanted = re.search(r" (_Z\w*9peakscope\w*)", line)
        header = header_of.get(function)
        if wanted is None or header not in whole:
            continue
        name = wanted[1]
        # A template, whose arguments follow an I in its symbol, calls what these bring along.
        is_template = "I" in function.split("9peakscope", 1)[1]
        is_reached = is_template or header_of.get(name, header) in whole[header] | {header}
        if not (is_reached if name in defined else name in behind):
            problems.add((header, name))
    names = shown("c++filt", *(name for _, name in sorted(problems))).splitlines() if problems else []
    return [f"{header}: {name} has no body in what it includes, nor behind implementation.hpp"
            for (header, _), name in zip(sorted(problems), names)]


REAL = pathlib.Path(__file__).resolve().parents[2] / "include/peakscope"


def check_instantiated(include, compiler):
    """What templates become is free of these warnings too."""
    made_of_all = pathlib.Path(__file__).parent / "every_policy.cpp"
    run = subprocess.run([*compiler, "-std=c++20", *WARNINGS, "-fsyntax-only", "-I", str(include), str(made_of_all)], capture_output=True, text=True)
    return [f"{made_of_all.name}: does not compile without a warning:\n{run.stderr[:3000]}"] if run.returncode != 0 else []


# What these have inline takes most of a minute to compile; and headers that hold bodies themselves.
LARGE = re.compile(r"#include <(boost/math|nlohmann|range)/")
BRINGS = re.compile(r"implementation|_body\.hpp|heap/counting_operators|heap/malloc_counting_functions")


# What cannot stand beside others of its layer: it has macros or functions in common with them.
ALONE = re.compile(r"testing/(doctest|gtest|catch2|catch2_capture|benchmark)\.hpp|heap/(interpose/operators|interpose/malloc_functions|counting_operators|malloc_counting_functions)\.hpp")


def by_layer(names):
    """Which headers to compile together, by a name for each such file: whole layers."""
    files = {}
    for name in names:
        files.setdefault(name if ALONE.match(name) else name.split("/")[0], []).append(name)
    return files


def with_all_included(root, names):
    """Each header and what it includes, itself or through others."""
    direct = {name: {each for each in re.findall(r"#\s*include\s*[<\"]peakscope/([^>\"]+)[>\"]", (root / name).read_text())
                     if each in names} for name in names}
    whole = {}
    for name in names:
        whole[name], waiting = set(), [name]
        while waiting:
            each = waiting.pop()
            if each not in whole[name]:
                whole[name].add(each)
                waiting += direct[each]
    return whole


def as_chains(whole, names):
    """Which headers to compile together, each with nothing before it that it does not include itself, so that it is as good
    as alone: as few files as there can be, by pairing each header with one that includes it."""
    next_of, previous_of = {}, {}

    def pair(name, tried):
        for other in names:
            if other != name and name in whole[other] and other not in whole[name] and other not in tried:
                tried.add(other)
                if other not in previous_of or pair(previous_of[other], tried):
                    next_of[name], previous_of[other] = other, name
                    return True
        return False

    for name in names:
        pair(name, set())
    files = {}
    for name in names:
        if name not in previous_of:
            chain = [name]
            while chain[-1] in next_of:
                chain.append(next_of[chain[-1]])
            files[name] = chain
    return files


def main():
    include, compiled, *compiler = sys.argv[1:]
    include = pathlib.Path(include)
    # clang++ cannot keep what is inline.
    clang = "clang" in subprocess.run([*compiler, "--version"], capture_output=True, text=True).stdout
    root = (include / "peakscope").resolve()
    headers = sorted(root.rglob("*.hpp"))
    order = layers_of(root / "README.md")
    folders = {path.name for path in root.iterdir() if path.is_dir()}
    problems = [f"the page lists '{each}', which is not there" for each in order if each not in folders]
    problems += check_light(root)
    for header in headers:
        problems += check_includes(root, header, order)
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        # The two compilers have one standard library: what a header lacks, g++ tells, and clang++ looks at whole layers.
        names = [header.relative_to(root).as_posix() for header in headers]
        if compiled and clang:
            files = by_layer(names)
        else:
            alone = [name for name in names if ALONE.match(name)]
            whole = with_all_included(root, names)
            files = {name: [name] for name in alone} | as_chains(whole, [name for name in names if name not in alone])
            if compiled:
                large = {name for name in names if LARGE.search((root / name).read_text())}
                together = [name for name in names if name not in alone and not BRINGS.search(name) and not large & (whole[name] | {name})]
                problems += check_bodies(include, together, whole, compiler, pathlib.Path(folder), compiled)
        if root == REAL:
            problems += check_instantiated(include, compiler)
        for found in pool.map(lambda file: check_compiles(include, *file, compiler, pathlib.Path(folder)), files.items()):
            problems += found
    print(f"{len(headers)} headers in {len(folders)} layers, {len(problems)} problems")
    print("\n".join(problems))
    return 1 if problems or not headers else 0


sys.exit(main())
