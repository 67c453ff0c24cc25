#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles programs with a mistake in them and looks at what the compiler says.

Usage: must_not_compile.py INCLUDE FOLDER COMPILER [ARGUMENT...]

A program must fail to compile, and its messages must match each of its lines "// expect: REGEX" and none of its lines
"// expect-not: REGEX". One with the line "// expect-success:" must compile: it shows that the others fail for their mistake
alone. "// flags: ..." are further arguments of the compiler.
"""
import pathlib
import re
import subprocess
import sys


def check(program, command):
    text = program.read_text()
    flags = " ".join(re.findall(r"^// flags: (.*)$", text, re.MULTILINE)).split()
    run = subprocess.run([*command, *flags, str(program)], capture_output=True, text=True)
    # Compilers break lines and put namespaces and extents in front of names; what counts are the names in their order.
    messages = " ".join((run.stdout + run.stderr).split())
    if "// expect-success:" in text:
        return [] if run.returncode == 0 else ["does not compile:\n" + run.stderr]
    if run.returncode == 0:
        return ["compiles"]
    wanted = re.findall(r"^// expect: (.*)$", text, re.MULTILINE)
    assert wanted, f"{program} expects nothing"
    unwanted = re.findall(r"^// expect-not: (.*)$", text, re.MULTILINE)
    return [f"no message matches {each!r}:\n{messages[:3000]}" for each in wanted if not re.search(each, messages)] + [
        f"a message matches {each!r}:\n{messages[:3000]}" for each in unwanted if re.search(each, messages)]


def main():
    include, folder, *compiler = sys.argv[1:]
    command = [*compiler, "-std=c++20", "-fsyntax-only", "-I", include]
    programs = sorted(pathlib.Path(folder).glob("*.cpp"))
    failures = 0
    for program in programs:
        problems = check(program, command)
        failures += bool(problems)
        print("ok  " if not problems else "FAIL", program.name, *problems)
    print(f"{len(programs)} programs, {failures} not as expected")
    return 1 if failures or not programs else 0


sys.exit(main())
