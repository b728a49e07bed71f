#!/usr/bin/env python3
"""Runs the commands that the READMEs show: every indented line that starts with build/halfcell, in order.

usage: readme_test.py BUILD_DIRECTORY"""
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]

# Not run here, and why.
ELSEWHERE = {
    "build/halfcell bench": "takes a minute and measures; see scripts/dev bench",
    "build/halfcell gdb build/userland/bin/debuggee values": "waits for gdb; integration/gdb connects one",
}


def commands(readme):
    for line in pathlib.Path(readme).read_text().splitlines():
        if line.startswith("    build/halfcell"):
            yield line.split("  #")[0].strip()


def main():
    passed = failed = 0
    build = pathlib.Path(sys.argv[1]).resolve()
    for path in sorted(TOP.glob("**/README.md")):
        readme = path.relative_to(TOP)
        if readme.parts[0].startswith((".", "build")):
            continue
        for command in commands(path):
            if command in ELSEWHERE:
                print(f"skip {readme}: {command} ({ELSEWHERE[command]})")
                continue
            run = subprocess.run(["bash", "-c", command.replace("build/", f"{build}/")], cwd=TOP,
                                 capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
            ok = run.returncode == 0
            passed, failed = passed + ok, failed + (not ok)
            print(f"{'ok' if ok else 'FAIL'} {readme}: {command}")
            if not ok:
                print(f"    exit {run.returncode}\n    {run.stdout[-500:]}{run.stderr[-500:]}")
    print(f"{passed} commands passed, {failed} failed")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
