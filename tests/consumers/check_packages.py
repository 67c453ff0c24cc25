#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program comes to peakscope by each of the ways that the README shows for CMake and meson, with the README's own lines, from
an empty folder. An installation compiles nothing.

Usage: check_packages.py SOURCE_ROOT CMAKE OPERATORS BODIES COMPILER [ARGUMENT...]

OPERATORS and BODIES are archives of the replaced operators and of implementation.hpp: the program that is installed compiles
them itself, the others are linked with these.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = """
#ifndef BODIES_ARE_LINKED
#include <peakscope/heap/counting_operators.hpp>
#endif
#include <peakscope/heap/counting.hpp>
#include <peakscope/profiler/measurement.hpp>
#include <peakscope/report/console.hpp>
#include <peakscope/rss/procfs.hpp>
#ifdef WITH_SITES
#include <peakscope/sites/libbacktrace.hpp>
#include <peakscope/sites/unwind.hpp>
using Heap = peakscope::heap::counting<peakscope::sites::unwind<8>>;
#else
using Heap = peakscope::heap::counting<>;
#endif
using Memory = peakscope::profiler<peakscope::phases<"work">, Heap, peakscope::rss::procfs, peakscope::report::console>;
int main() {
    try {
        throw 1;
    } catch (int) { // which libunwind's half of an unwinder does not get to
    }
    Memory memory{"packaged"};
    void* block = nullptr;
    {
        auto phase = Memory::phase<"work">();
        block = ::operator new(5 << 20);
    }
    const peakscope::memory_report report = memory.finish();
    ::operator delete(block);
    return report.phase("work").heap.delta->count == 5 << 20 ? 0 : 1;
}
"""


class Packages(unittest.TestCase):
    source = cmake = archives = compiler = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "program").mkdir()
        (self.root / "program" / "main.cpp").write_text(PROGRAM)
        self.environment = {**os.environ, "CXX": " ".join(self.compiler), "CMAKE_GENERATOR": "Ninja"}  # as meson; make need not be there

    def run_command(self, *command, status=0, **more):
        ran = subprocess.run([str(each) for each in command], capture_output=True, text=True,
                             env={**self.environment, **more}, cwd=self.root)
        self.assertEqual(ran.returncode, status, ran.stdout[-2000:] + ran.stderr[-3000:])
        return ran.stdout + ran.stderr

    def lines_of_readme(self, mark):
        found = re.search(rf"<!-- {mark} -->\n```\w+\n(.*?)```", (self.source / "README.md").read_text(), re.DOTALL)
        self.assertIsNotNone(found, f"the README shows no '{mark}'")
        return found.group(1)

    def build_with_cmake(self, mark, *arguments, whole=False, first=""):
        program = self.root / "program"
        (program / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.16)\nproject(generator CXX)\n" + first + "add_executable(generator main.cpp)\n"
            "target_compile_definitions(generator PRIVATE WITH_SITES)\ntarget_compile_options(generator PRIVATE -g)\n" + self.lines_of_readme(mark) +
            ("" if whole else "target_compile_definitions(generator PRIVATE BODIES_ARE_LINKED)\n"
             f"target_link_libraries(generator PRIVATE {' '.join(self.archives)})\n"))
        self.run_command(self.cmake, "-S", program, "-B", self.root / "built", *arguments)
        self.run_command(self.cmake, "--build", self.root / "built")
        printed = self.run_command(self.root / "built" / "generator")
        line = PROGRAM[:PROGRAM.index("5 << 20")].count("\n") + 1
        self.assertIn(f"main.cpp:{line}", printed)

    def installed_by_cmake(self):
        self.run_command(self.cmake, "-S", self.source / "include", "-B", self.root / "package")
        self.run_command(self.cmake, "--install", self.root / "package", "--prefix", self.root / "prefix")
        self.assertFalse(list((self.root / "package").glob("CMakeFiles/*.dir/*.o")))
        self.assertEqual({path.suffix for path in (self.root / "prefix/include").rglob("*") if path.is_file()}, {".hpp", ".h"})
        return f"-DCMAKE_PREFIX_PATH={self.root / 'prefix'}"

    def test_installed(self):
        self.build_with_cmake("cmake, installed", self.installed_by_cmake(), whole=True)

    def test_a_copy(self):
        (self.root / "program" / "peakscope").mkdir()
        shutil.copytree(self.source / "include", self.root / "program" / "peakscope" / "include")
        self.build_with_cmake("cmake, a copy")

    def test_a_static_program(self):
        (self.root / "program" / "peakscope").mkdir()
        shutil.copytree(self.source / "include", self.root / "program" / "peakscope" / "include")
        self.build_with_cmake("cmake, a copy", "-DCMAKE_EXE_LINKER_FLAGS=-static", first="set(CMAKE_FIND_LIBRARY_SUFFIXES .a)\n")
        linked = subprocess.run(["ldd", self.root / "built" / "generator"], capture_output=True, text=True)
        self.assertNotEqual(linked.returncode, 0, linked.stdout)

    def test_fetched(self):
        # CMake's own way to give FetchContent a folder in the place of a download.
        self.build_with_cmake("cmake, fetched", f"-DFETCHCONTENT_SOURCE_DIR_PEAKSCOPE={self.source}")

    def test_a_component_that_is_not_there_is_named_with_what_to_install(self):
        prefix = self.installed_by_cmake()
        (self.root / "program" / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.16)\nproject(generator CXX)\n" + self.lines_of_readme("cmake, installed"))
        printed = self.run_command(self.cmake, "-S", self.root / "program", "-B", self.root / "built", prefix,
                                   "-DPEAKSCOPE_UNWIND_LIBRARY=OFF", status=1)
        self.assertRegex(" ".join(printed.split()), r"component sites: install libunwind .*\(Debian: libunwind-dev g\+\+\)")

    def test_a_component_brings_its_library(self):
        prefix = self.installed_by_cmake()
        (self.root / "program" / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.16)\nproject(generator CXX)\nadd_executable(generator main.cpp)\n"
            "find_package(peakscope CONFIG REQUIRED COMPONENTS json pprof statistics)\n"
            "target_link_libraries(generator PRIVATE peakscope::json peakscope::pprof peakscope::statistics)\n")
        (self.root / "program" / "main.cpp").write_text(
            "#include <boost/math/distributions/students_t.hpp>\n#include <nlohmann/json_fwd.hpp>\n#include <protozero/pbf_writer.hpp>\n"
            "#include <zlib.h>\nint main() { return deflateBound(nullptr, 0) == 0; }\n")
        self.run_command(self.cmake, "-S", self.root / "program", "-B", self.root / "built", prefix)
        self.run_command(self.cmake, "--build", self.root / "built")
        self.run_command(self.root / "built" / "generator")

    def test_a_project_in_an_older_standard_is_instrumented_in_ten_lines(self):
        original = pathlib.Path(__file__).parent / "old_project"
        patch = original / "instrumented.patch"
        added = [line for line in patch.read_text().splitlines() if line.startswith("+") and not line.startswith("+++")]
        self.assertLessEqual(len(added), 10)
        project = self.root / "project"
        shutil.copytree(original, project)
        self.run_command("patch", "-d", project, "-p1", "-i", patch)
        shutil.copytree(self.source / "include", project / "peakscope" / "include")
        self.run_command(self.cmake, "-S", project, "-B", self.root / "built", "-DCMAKE_CXX_EXTENSIONS=OFF")
        built = self.run_command(self.cmake, "--build", self.root / "built", "-v")
        self.assertRegex(built, r"-std=c\+\+11 .*index\.cpp")  # as it was
        lines = 5000
        ran = subprocess.run([self.root / "built" / "word_index"], input="\n".join(f"line{i}" for i in range(lines)),
                             capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        printed = ran.stdout + ran.stderr
        self.assertRegex(printed, r"5000 lines, 5000 words")
        # What reading leaves: 8,192 strings of 32 bytes, the capacity of the vector.
        self.assertRegex(printed, r"reading +\+256 KiB +384 KiB ")
        self.assertRegex(printed, r"indexing +\+[1-9]\d\d KiB ")

    def test_meson_subproject(self):
        program = self.root / "program"
        (program / "meson.build").write_text(
            "project('generator', 'cpp', default_options: ['cpp_std=c++20'])\n" +
            self.lines_of_readme("meson, a subproject") +
            f"executable('generator', 'main.cpp', dependencies: peakscope, cpp_args: '-DBODIES_ARE_LINKED', link_args: {self.archives})\n")
        copied = program / "subprojects" / "peakscope"
        copied.mkdir(parents=True)
        shutil.copy(self.source / "meson.build", copied)
        shutil.copytree(self.source / "include", copied / "include")
        self.run_command("meson", "setup", self.root / "built", program)
        self.run_command("meson", "compile", "-C", self.root / "built")
        self.run_command(self.root / "built" / "generator")

    @unittest.skipUnless(shutil.which("git"), "git is not installed")
    def test_meson_wrap(self):
        fetched, program = self.root / "fetched", self.root / "program"
        fetched.mkdir()
        shutil.copy(self.source / "meson.build", fetched)
        shutil.copytree(self.source / "include", fetched / "include")
        git = ["git", "-C", fetched, "-c", "user.name=packages", "-c", "user.email=packages@example.org"]
        self.run_command(*git, "init", "--quiet", "--initial-branch=main")
        self.run_command(*git, "add", ".")
        self.run_command(*git, "commit", "--quiet", "--message=fetched")
        wrap = (self.source / "examples/packaging/meson/peakscope.wrap").read_text()
        self.assertIn("url = (where you found this)\n", wrap)
        (program / "subprojects").mkdir()
        (program / "subprojects" / "peakscope.wrap").write_text(wrap.replace("(where you found this)", fetched.as_uri()))
        # By the name that it provides, without a fallback. That a program measures is tested by the subproject above.
        (program / "main.cpp").write_text('#include <peakscope/profiler/profiler.hpp>\n'
                                          'int main() { auto phase = peakscope::scopes<peakscope::phases<"work">>::phase<"work">(); }\n')
        (program / "meson.build").write_text("project('generator', 'cpp', default_options: ['cpp_std=c++20'])\n"
                                             "executable('generator', 'main.cpp', dependencies: dependency('peakscope'))\n")
        printed = self.run_command("meson", "setup", "--force-fallback-for=peakscope", self.root / "built", program)
        self.assertRegex(printed, r"Dependency peakscope found: YES [\d.]+ \(overridden\)")
        self.assertTrue((program / "subprojects/peakscope/.git").exists())
        self.run_command("meson", "compile", "-C", self.root / "built")
        self.run_command(self.root / "built" / "generator")

    def test_an_installation_by_meson_compiles_nothing_and_needs_no_library(self):
        self.run_command("meson", "setup", self.root / "built", self.source)
        self.run_command("meson", "install", "-C", self.root / "built", "--destdir", self.root / "installed")
        headers = [path for path in (self.root / "installed").rglob("*") if path.is_file() and "include" in path.parts]
        self.assertEqual({path.suffix for path in headers}, {".hpp", ".h"})
        self.assertEqual(len(headers), len(list((self.source / "include").rglob("*.h*"))) - len(list((self.source / "include").rglob("*.html"))))
        self.assertFalse(list((self.root / "built").rglob("*.o")))


if __name__ == "__main__":
    Packages.source, Packages.cmake, *rest = pathlib.Path(sys.argv[1]), *sys.argv[2:]
    Packages.archives, Packages.compiler = [os.path.abspath(each) for each in rest[:2]], rest[2:]
    unittest.main(argv=sys.argv[:1])
