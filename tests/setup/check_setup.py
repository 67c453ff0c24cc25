#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""examples/setup.sh brings a build folder up to date when packages have come and gone, and names one that is broken.

Usage: check_setup.py SETUP_SH COMPILER

A small project of meson's stands for this one. It looks for a header and for a package, as this one does.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

PROJECT = """
project('small', 'cpp')
asked = run_command(meson.get_compiler('cpp').cmd_array(), '-E', '-x', 'c++', '-include', 'made_up.h', '/dev/null', check: false)
if asked.returncode() == 0
  executable('found', 'main.cpp', dependencies: dependency('made_up'))
else
  message('found is not built, because made_up is not installed.')
endif
"""


def main():
    setup, compiler = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        project, installed = pathlib.Path(folder) / "project", pathlib.Path(folder) / "installed"
        project.mkdir()
        installed.mkdir()
        (project / "meson.build").write_text(PROJECT)
        (project / "main.cpp").write_text("int main() {}\n")

        def run(command, **more):
            environment = {**os.environ, "CPATH": str(installed), "PKG_CONFIG_PATH": str(installed), **more}
            return subprocess.run(["bash", "-c", f"source '{setup}'; {command}"], cwd=project, env=environment,
                                  capture_output=True, text=True)

        def is_built():
            return run(f"configure build '{compiler}' && built build found").returncode == 0

        absent = run(f"configure build '{compiler}' && built build found")
        assert absent.returncode != 0 and "made_up is not installed" in absent.stderr, absent
        (installed / "made_up.pc").write_text("Name: made_up\nDescription: a package\nVersion: 1\n")
        (installed / "made_up.h").touch()
        assert is_built(), "a header that was installed since is not seen"
        assert is_built(), "a second time"
        (installed / "made_up.h").unlink()
        assert not is_built(), "a header that has gone is still there"
        (installed / "made_up.h").touch()
        assert is_built(), "nor when it comes back"

        (project / "build" / "meson-private" / "coredata.dat").write_bytes(b"not what meson wrote")
        broken = run(f"configure build '{compiler}'")
        assert broken.returncode != 0 and "rm -rf build" in broken.stderr, broken

        # Without apt-get: it goes on, and says what to install when that does not work.
        tools = pathlib.Path(folder) / "tools"
        tools.mkdir()
        for tool in "bash", "grep", "env":
            (tools / tool).symlink_to(subprocess.run(["which", tool], capture_output=True, text=True).stdout.strip())
        without = run("need libmade-up-dev && echo goes on; say_what_is_missing", PATH=str(tools))
        assert "goes on" in without.stdout and "libmade-up-dev" in without.stderr, without
    print("packages come and go, and the build folder follows")


main()
