#!/usr/bin/env python3
"""`halfcell conform`: every probe passes here, in every form of the report; and the runner notices what fails."""
import json
import os
import re
import sys
import xml.etree.ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, expect, run

build = build_under_test()
suite = Suite()
DEADLINE = 240
HOSTS_CHOICE = {"page-zero"}  # deviates only where the host reserves low addresses


def conform(*words, status=0):
    return expect(run([build.halfcell, "conform", *words], deadline=DEADLINE), status)


@suite.test
def every_probe_passes():
    junit = os.path.join(suite.fresh("report"), "report.xml")
    results = json.loads(conform("--json", "--junit", junit).text)
    listed = json.loads(conform("--list", "--json").text)
    failed = [f"{result['area']}/{result['name']}: {result['detail']}" for result in results
              if result["result"] != "pass"]
    check(not failed, "\n".join(failed))
    check([(result["area"], result["name"]) for result in results] ==
          [(probe["area"], probe["name"]) for probe in listed], "not the probes of the list, in its order")
    names = [(probe["area"], probe["name"]) for probe in listed]
    check(len(set(names)) == len(names), "two probes have one name")
    for result, probe in zip(results, listed):
        check(set(result) == {"name", "area", "result", "deviation", "upstream", "detail"}, f"keys of {result}")
        check(re.fullmatch(r"(kernel|syscall|relibc|base|redoxfs|rfcs):\S+( \S.*)?", result["upstream"]),
              f"no source: {result}")
        # A deviation that is declared and does not occur is out of date.
        if result["name"] not in HOSTS_CHOICE:
            check(result["deviation"] == probe["deviation"], f"declared {probe['deviation']}: {result}")
        check(probe["deviation"] in (None, "safer", "resurrected", "host"), f"no class: {probe}")
    cases = xml.etree.ElementTree.parse(junit).getroot().findall("./testsuite/testcase")
    check(len(cases) == len(results), f"{len(cases)} test cases for {len(results)} results")


@suite.test
def chosen_areas_and_probes():
    table = conform("numbers/mkns-is-gone", "boot", "-v").text
    check("pass  numbers/mkns-is-gone\n" in table and "unknown-numbers" not in table, table)
    check("pass  boot/no-openat-on-contexts\n" in table, table)
    check("halfcell conform --list" in conform("--help").text, "the help teaches nothing")
    check(re.search(r"^\d+ passed.*, 0 failed, 0 skipped\n\Z", table, re.MULTILINE), table)
    refused = run([build.halfcell, "conform", "nosuch"])
    expect(refused, 125, out="", err="there is no area or probe 'nosuch'; there are numbers order")
    refused = run([build.halfcell, "conform", "fcntl", "pipe/nosuch"])
    expect(refused, 125, out="", err="there is no area or probe 'pipe/nosuch'; there are pipe/")
    expect(run([build.halfcell, "conform", "ipe"]), 125, out="", err="did you mean pipe?")
    expect(run([build.halfcell, "conform", "--junit", "/nonexistent/file", "numbers/mkns-is-gone"]), 125,
           err="cannot write /nonexistent/file")


@suite.test
def the_program_alone_speaks_tap():
    outcome = expect(build.run("conform", "--careful", "numbers"))
    lines = outcome.text.splitlines()
    check(lines[0] == "TAP version 14" and re.fullmatch(r"1\.\.\d+", lines[1]), outcome.text)
    check("ok 2 - numbers/mkns-is-gone" in lines, outcome.text)


@suite.test
def what_a_system_does_not_have_is_skipped():
    missing = ["chan", "uds_stream", "uds_dgram", "shm", "pty", "irq", "serio"]
    there = "event,initfs,memory,null,pipe,proc,stdio,sys,time"
    outcome = expect(build.run("conform", *missing, options=["--schemes", there]))
    tests = re.findall(r"^(not ok|ok) \d+ - (\w+)/\S+ *(.*)$", outcome.text, re.MULTILINE)
    check({area for _, area, _ in tests} == set(missing), outcome.text)
    for verdict, area, directive in tests:
        check(verdict == "ok" and directive == f"# SKIP there is no scheme {area}", f"{area}: {verdict} {directive}")


@suite.test
def what_fails_is_noticed():
    outcome = expect(build.run(os.path.join(build.directory, "userland", "bin", "broken_probes")), 9)
    tests = re.findall(r"^(ok|not ok) \d+ - broken/(.*)\n  ---\n((?:  .*\n)*?)  \.\.\.$", outcome.text, re.MULTILINE)
    check(len(tests) == 14, outcome.text)
    found = {name: (verdict, block) for verdict, name, block in tests}
    for name, message in (
            ("wrong-errno", "conform::close(conform::kClosed): EBADF, expected EINVAL"),
            ("wrong-value", "conform::sc(abi::SYS_YIELD): 0, expected 3"),
            ("no-success", "conform::close(conform::kClosed): EBADF, expected success"),
            ("not-true", "not so: conform::kPage == 1"),
            ("neither-answer", "EBADF, expected EINVAL or, deviating, EPERM"),
            ("crashes", "ended without a verdict: status "),
            ("exits", "ended without a verdict: status 3"),
            ("hangs", "no answer after 1 seconds"),
            ("says \"much\\", r"a \"quoted\" \\ line and another")):
        verdict, block = found[name]
        check(verdict == "not ok" and f"message: \"" in block and message in block, f"{name}: {verdict}\n{block}")
    for name in ("passes", "redox-s-answer", "leaves-a-child-behind"):
        verdict, block = found[name]
        check(verdict == "ok" and "deviation" not in block, f"{name}: {verdict}\n{block}")
    check("  deviation: safer\n" in found["the-deviating-answer"][1], outcome.text)
    check(found["skips # SKIP not today"][0] == "ok", outcome.text)


suite.main()
