# SPDX-License-Identifier: MIT
import os

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, get
from conan.tools.layout import basic_layout

required_conan_version = ">=2.0"


class PeakscopeConan(ConanFile):
    name = "peakscope"
    version = "0.1.0"
    description = "Memory by phase of a C++ program: what each phase allocated, who, and where the high-water mark was"
    license = "MIT"
    topics = ("memory", "profiler", "heap", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {f"with_{part}": [True, False] for part in ("sites", "json", "pprof", "statistics")}
    default_options = {"with_sites": True, "with_json": True, "with_pprof": True, "with_statistics": True, "boost/*:header_only": True}
    no_copy_source = True

    @property
    def _in_checkout(self):
        return os.path.join(self.recipe_folder, "..", "..", "..")

    def export_sources(self):
        # In a checkout (`conan create examples/packaging/conan`); a registry's recipe has conandata.yml in its place.
        copy(self, "include/*", self._in_checkout, self.export_sources_folder)
        copy(self, "LICENSE", self._in_checkout, self.export_sources_folder)

    def layout(self):
        basic_layout(self, src_folder=".")

    def requirements(self):
        self.requires("boost/1.81.0")  # Hana, and Math for the statistics
        self.requires("range-v3/0.12.0")
        if self.options.with_sites:
            self.requires("libbacktrace/cci.20210118")
            self.requires("libunwind/1.8.0")
        if self.options.with_json:
            self.requires("nlohmann_json/3.11.3")
        if self.options.with_pprof:
            self.requires("protozero/1.7.1")
            self.requires("zlib/1.3.1")

    def package_id(self):
        self.info.clear()

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("peakscope measures on Linux")
        if self.settings.compiler.get_safe("cppstd"):
            check_min_cppstd(self, 20)

    def source(self):
        if self.conan_data:
            get(self, **self.conan_data["sources"][self.version], strip_root=True)

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        for kind in ("*.hpp", "*.h"):
            copy(self, kind, os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        components = self.cpp_info.components
        components["bridge"].set_property("cmake_target_name", "peakscope::bridge")
        components["core"].set_property("cmake_target_name", "peakscope::peakscope")
        components["core"].requires = ["bridge"]
        components["core"].system_libs = ["dl", "pthread"]
        needs = {"implementation": ["boost::headers", "range-v3::range-v3"]}
        if self.options.with_statistics:
            needs["statistics"] = ["boost::headers"]
        if self.options.with_sites:
            needs["sites"] = ["libbacktrace::libbacktrace", "libunwind::libunwind"]
        if self.options.with_json:
            needs["json"] = ["nlohmann_json::nlohmann_json"]
        if self.options.with_pprof:
            needs["pprof"] = ["protozero::protozero", "zlib::zlib"]
        for name, libraries in needs.items():
            components[name].set_property("cmake_target_name", f"peakscope::{name}")
            components[name].requires = ["core", *libraries]
        for component in components.values():
            component.bindirs = []
            component.libdirs = []
