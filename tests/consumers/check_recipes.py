#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The vcpkg port and the Conan recipe say what the library is: its version, its components, its files. The package managers
themselves need a network; what they call in the recipes is stood in for here.

Usage: check_recipes.py SOURCE_ROOT CMAKE
"""
import json
import os
import pathlib
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

STAND_INS = """
set(CURRENT_PORT_DIR "{port}")
set(CURRENT_PACKAGES_DIR "{package}")
set(PORT peakscope)
function(vcpkg_from_github)
  message(FATAL_ERROR "nothing is fetched in a checkout")
endfunction()
function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 asked "" "SOURCE_PATH" "")
  execute_process(COMMAND ${{CMAKE_COMMAND}} -S "${{asked_SOURCE_PATH}}" -B "{build}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()
function(vcpkg_cmake_install)
  execute_process(COMMAND ${{CMAKE_COMMAND}} --install "{build}" --prefix "{package}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()
function(vcpkg_cmake_config_fixup)
  if(NOT EXISTS "{package}/share/${{PORT}}/${{PORT}}-config.cmake")
    message(FATAL_ERROR "the package's configuration is not where vcpkg looks for it")
  endif()
endfunction()
function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 asked "" "" "FILE_LIST")
  configure_file("${{asked_FILE_LIST}}" "{package}/share/${{PORT}}/copyright" COPYONLY)
endfunction()
include("{port}/portfile.cmake")
"""


class Recipes(unittest.TestCase):
    source = cmake = None

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.version = re.search(r"version: '([^']+)'", (self.source / "meson.build").read_text())[1]
        self.components = set(re.findall(r"^peakscope_component\((\w+)", (self.source / "include/cmake/peakscope-components.cmake").read_text(), re.MULTILINE))
        self.assertIn("sites", self.components)
        headers = self.source / "include"
        self.headers = {path.relative_to(headers) for path in headers.rglob("*.h*") if path.suffix in (".h", ".hpp")}

    def installed_headers(self, prefix):
        return {path.relative_to(prefix / "include") for path in (prefix / "include").rglob("*.h*") if path.suffix in (".h", ".hpp")}

    def test_vcpkg(self):
        port = self.source / "examples/packaging/vcpkg/peakscope"
        manifest = json.loads((port / "vcpkg.json").read_text())
        self.assertEqual(manifest["version"], self.version)
        # What every program needs is a dependency; the rest are features of the components' names.
        self.assertEqual(set(manifest["features"]), self.components - {"implementation"})
        package = self.root / "package"
        script = self.root / "port.cmake"
        script.write_text(STAND_INS.format(port=port, package=package, build=self.root / "build"))
        ran = subprocess.run([self.cmake, "-P", script], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(self.installed_headers(package), self.headers)
        self.assertEqual({path.name for path in package.iterdir()}, {"include", "share"})
        self.assertEqual({path.name for path in (package / "share").iterdir()}, {"peakscope"})
        share = package / "share/peakscope"
        self.assertEqual((share / "copyright").read_text(), (self.source / "LICENSE").read_text())
        usage = (share / "usage").read_text()
        lines = "\n".join(line for line in usage.splitlines() if line.startswith("  "))
        (self.root / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.16)\nproject(generator CXX)\nfile(WRITE main.cpp [[int main() {}]])\n"
                                                  "add_executable(main main.cpp)\n" + lines)
        ran = subprocess.run([self.cmake, "-S", self.root, "-B", self.root / "consumer", f"-DCMAKE_PREFIX_PATH={package}"], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)

    def test_conan(self):
        exported, package = self.root / "exported", self.root / "package"

        def copy(recipe, pattern, src, dst):
            for path in pathlib.Path(src).rglob("*") if pattern.startswith("*") else pathlib.Path(src).glob(pattern.replace("/*", "/**/*")):
                if path.is_file() and (not pattern.startswith("*") or path.match(pattern)):
                    target = pathlib.Path(dst) / path.relative_to(src)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(path, target)

        class ConanFile:
            conan_data = None

            def requires(self, reference):
                self.required.add(reference.split("/")[0])

        class Component:
            def set_property(self, name, value):
                setattr(self, name, value)

        class Components(dict):
            def __missing__(self, name):
                return self.setdefault(name, Component())

        modules = {
            "conan": {"ConanFile": ConanFile},
            "conan.errors": {"ConanInvalidConfiguration": Exception},
            "conan.tools.build": {"check_min_cppstd": None},
            "conan.tools.files": {"copy": copy, "get": None},
            "conan.tools.layout": {"basic_layout": lambda recipe, src_folder: None},
        }
        for name, content in modules.items():
            sys.modules[name] = types.ModuleType(name)
            vars(sys.modules[name]).update(content)
            self.addCleanup(sys.modules.pop, name)
        path = self.source / "examples/packaging/conan/conanfile.py"
        recipe = runpy.run_path(str(path))["PeakscopeConan"]()
        self.assertEqual(recipe.version, self.version)
        recipe.required = set()
        recipe.options = types.SimpleNamespace(with_sites=True, with_json=True, with_pprof=True, with_statistics=True)
        recipe.recipe_folder, recipe.package_folder = os.fspath(path.parent), os.fspath(package)
        recipe.export_sources_folder = recipe.source_folder = os.fspath(exported)
        recipe.cpp_info = types.SimpleNamespace(components=Components())
        recipe.export_sources()
        recipe.source()
        recipe.requirements()
        recipe.package()
        recipe.package_info()
        self.assertEqual(self.installed_headers(package), self.headers)
        self.assertTrue((package / "licenses/LICENSE").is_file())
        components = recipe.cpp_info.components
        self.assertEqual(set(components), self.components | {"core", "bridge"})
        used = {each.split("::")[0] for component in components.values() for each in getattr(component, "requires", []) if "::" in each}
        self.assertEqual(used, recipe.required)


Recipes.source, Recipes.cmake = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
os.environ["CMAKE_GENERATOR"] = "Ninja"  # as meson; make need not be there
unittest.main(argv=sys.argv[:1], verbosity=2)
