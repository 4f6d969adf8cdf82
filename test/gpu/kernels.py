"""The tests of test/kernels with a GPU as their target: the program tessera-kernels, in several
processes at a time."""

import json
import os
import pathlib
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

PROGRAM = pathlib.Path(__file__).resolve().parent.parent.parent / "build/test/kernels/tessera-kernels"
TARGET = {"TESSERA_TEST_TARGET": "sm90a"}
LIMIT = 1500  # seconds for all
MEASURING = "LaunchCost"  # a suite that takes times, while no other process runs


def filter_of(beginnings):
    """The filter for tests by the beginnings of their names; the program's own for all."""
    return [] if "" in beginnings else [f"--gtest_filter={':'.join(b + '*' for b in beginnings)}"]


def skipped(said):
    """Why tests were skipped, by name: the line in front of the one that says so."""
    lines = said.splitlines()
    ends = ((why, after) for why, after in zip(lines, lines[1:]) if after.startswith("[  SKIPPED ]"))
    return {after.split()[3]: why.strip() for why, after in ends if after.endswith("ms)")}


def outcomes(report, said):
    """(name, outcome, message) of the tests that a report of GoogleTest tells of."""
    reasons = skipped(said)
    for suite in report["testsuites"]:
        for test in suite["testsuite"]:
            if test["status"] != "RUN":
                continue
            name = f"{suite['name']}.{test['name']}"
            if failures := test.get("failures"):
                yield name, "failed", "\n".join(f["failure"] for f in failures[:3])
            elif test["result"] == "SKIPPED":
                yield name, "skipped", reasons.get(name, "skipped")
            else:
                # What it measured.
                yield name, "passed", ", ".join(f"{k} {v}" for k, v in test.items() if k.endswith("_us"))


def part(options, filters, shard):
    """The outcomes of one process's share of the tests."""
    target = {} if options["device"] == "cpu" else TARGET
    # Its seeds are small.
    seed = options["seed"] % 100000
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "report.json"
        command = [options["kernels"], f"--gtest_output=json:{file}", f"--gtest_random_seed={seed}"]
        try:
            done = subprocess.run(
                command + filters, env={**os.environ, **shard, **target},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=LIMIT,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return [(f"process {shard}", "failed", f"it hangs: {LIMIT} seconds are over")]
        if not file.exists():
            said = "\n".join(done.stdout.strip().splitlines()[-12:])
            return [(f"process {shard}", "failed", f"the process ended with status {done.returncode}\n{said}")]
        return list(outcomes(json.loads(file.read_text()), done.stdout))


def run(options, processes, report):
    """Runs them, and calls report(name, outcome, message, command) for each test."""
    target = "" if options["device"] == "cpu" else "TESSERA_TEST_TARGET=sm90a "

    def tell(found):
        for name, outcome, message in found:
            report(f"kernels/{name}", outcome, message, f"{target}{options['kernels']} --gtest_filter='{name}'")

    # Of `kernels`, or `kernels/` with the beginning of a test's name.
    beginnings = [o.partition("/")[2] for o in options["only"] or ["kernels"]]
    filters = filter_of(beginnings)
    shards = [{"GTEST_TOTAL_SHARDS": str(processes), "GTEST_SHARD_INDEX": str(i)} for i in range(processes)]
    with ThreadPoolExecutor(processes) as pool:
        for found in pool.map(lambda shard: part(options, filters, shard), shards):
            tell(each for each in found if not each[0].startswith(MEASURING))  # it is skipped there
    if any(b.startswith(MEASURING) or MEASURING.startswith(b) for b in beginnings):
        tell(part(options, filter_of([MEASURING]), {}))
