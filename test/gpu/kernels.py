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


def program():
    """Where it is, or None."""
    path = pathlib.Path(os.environ.get("TESSERA_GPU_KERNELS") or PROGRAM)
    return path if path.exists() else None


def filter_of(only):
    """The filter for `kernels`, or `kernels/` with beginnings of tests' names."""
    beginnings = [o.partition("/")[2] for o in only]
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
                yield name, "passed", ""


def part(options, number, count):
    """The outcomes of one process's share of the tests."""
    shard = {"GTEST_TOTAL_SHARDS": str(count), "GTEST_SHARD_INDEX": str(number)}
    target = {} if options["device"] == "cpu" else TARGET
    # Its seeds are small.
    seed = options["seed"] % 100000
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "report.json"
        command = [str(program()), f"--gtest_output=json:{file}", f"--gtest_random_seed={seed}"]
        try:
            done = subprocess.run(
                command + filter_of(options["only"] or ["kernels"]), env={**os.environ, **shard, **target},
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=LIMIT,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return [(f"process {number}", "failed", f"it hangs: {LIMIT} seconds are over")]
        if not file.exists():
            said = "\n".join(done.stdout.strip().splitlines()[-12:])
            return [(f"process {number}", "failed", f"the process ended with status {done.returncode}\n{said}")]
        return list(outcomes(json.loads(file.read_text()), done.stdout))


def run(options, processes, report):
    """Runs them, and calls report(name, outcome, message, command) for each test."""
    target = "" if options["device"] == "cpu" else "TESSERA_TEST_TARGET=sm90a "
    with ThreadPoolExecutor(processes) as pool:
        for found in pool.map(lambda number: part(options, number, processes), range(processes)):
            for name, outcome, message in found:
                report(f"kernels/{name}", outcome, message, f"{target}{program()} --gtest_filter='{name}'")
