#!/usr/bin/env python3
"""Runs a probe under `halfcell boot` and holds every line against what the real Redox kernel answered.

usage: compare.py HALFCELL IMAGE RECORDING DEVIATIONS [--all]

A line is equal, or it stands in DEVIATIONS (TOML) with its class (safer, resurrected, host, timing) and reason.
A listed deviation that does not occur is a failure too (but for timing). --all prints equal lines as well."""
import difflib
import pathlib
import re
import subprocess
import sys
import tomllib

# Probes give a thread 10 or 20 ms to get somewhere, which a busy machine does not always grant. An answer that is wrong
# is wrong every time.
_ATTEMPTS = 5
CLASSES = ("safer", "resurrected", "host", "timing")


def sections(lines):
    """[(section, line)], with the heading itself as a line."""
    current, result = "start", []
    for line in lines:
        if line.startswith("## "):
            current = line[3:]
        result.append((current, line))
    return result


def key(entry):
    """What identifies a line whatever the answer: its section and the text before the answer."""
    section, line = entry
    return section, re.split(r" -> | = | ms | fstat | events read", line, maxsplit=1)[0]


def align(recorded, actual):
    """Pairs of lines, None where one side has none, in order."""
    matcher = difflib.SequenceMatcher(None, [key(e) for e in recorded], [key(e) for e in actual], autojunk=False)
    for _, i1, i2, j1, j2 in matcher.get_opcodes():
        for k in range(max(i2 - i1, j2 - j1)):
            yield (recorded[i1 + k] if i1 + k < i2 else None, actual[j1 + k] if j1 + k < j2 else None)


class Deviation:
    def __init__(self, table):
        self.section, self.kind, self.reason = table["section"], table["class"], table["reason"]
        self.recorded, self.actual = table.get("recorded"), table.get("actual")
        self.used = 0
        if self.kind not in CLASSES:
            raise SystemExit(f"deviations: unknown class {self.kind}")
        if not self.reason.strip():
            raise SystemExit("deviations: a deviation without a reason")

    @staticmethod
    def _fits(pattern, entry):
        if pattern is None:
            return entry is None
        return entry is not None and re.fullmatch(pattern, entry[1]) is not None

    def covers(self, recorded, actual):
        section = (recorded or actual)[0]
        return section == self.section and self._fits(self.recorded, recorded) and self._fits(self.actual, actual)


def compare(halfcell, image, recording, tables, show_all):
    """One run against the recording: how many lines are wrong, and what is to be said."""
    said = []
    run = subprocess.run([halfcell, "boot", "--env", "ORACLE=1", image], capture_output=True, timeout=120,
                         stdin=subprocess.DEVNULL)
    output = run.stdout.decode("utf-8", "replace")
    recorded = sections(pathlib.Path(recording).read_text(errors="replace").splitlines())
    actual = sections(output.splitlines())
    deviations = [Deviation(table) for table in tables]

    equal = listed = bad = 0
    for want, got in align(recorded, actual):
        if want == got:
            equal += 1
            if show_all:
                said.append(f"   = {want[1]}")
            continue
        found = next((d for d in deviations if d.covers(want, got)), None)
        if found:
            found.used += 1
            listed += 1
            if show_all:
                said.append(f"{found.kind:>12} {got[1] if got else '(no line)'}")
            continue
        bad += 1
        said.append(f"[{(want or got)[0]}]\n   kernel:   {want[1] if want else '(no line)'}\n"
                    f"   halfcell: {got[1] if got else '(no line)'}")
    for deviation in deviations:
        # A measured time may happen to be the recorded one; everything else that is listed must differ.
        if not deviation.used and deviation.kind != "timing":
            bad += 1
            said.append(f"[{deviation.section}] listed as {deviation.kind}, but equal or gone: {deviation.recorded}")
    if run.returncode != 0:
        bad += 1
        said.append(f"halfcell boot ended with {run.returncode}: {run.stderr.decode('utf-8', 'replace')[-2000:]}")
    said.append(f"{pathlib.Path(recording).stem}: {equal} equal, {listed} listed deviations, {bad} wrong")
    return bad, "\n".join(said)


def main():
    halfcell, image, recording, deviations_file = sys.argv[1:5]
    show_all = "--all" in sys.argv[5:]
    tables = tomllib.loads(pathlib.Path(deviations_file).read_text()).get(pathlib.Path(recording).stem, [])
    for attempt in range(_ATTEMPTS):
        if attempt:
            print(f"again, attempt {attempt + 1} of {_ATTEMPTS}: the probe may have been late")
        bad, text = compare(halfcell, image, recording, tables, show_all)
        print(text, flush=True)
        if not bad:
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
