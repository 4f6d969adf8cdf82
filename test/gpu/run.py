#!/usr/bin/env python3
"""Holds GPU kernels against a float64 reference, on the card.

    test/gpu/run.py                       everything but the sanitizer
    test/gpu/run.py --only drawn --cases 5000
    test/gpu/run.py --only exact/visible_set
    test/gpu/run.py --repro '{"q":[7],"kv":[300],"causal":true}'
    test/gpu/run.py --sanitize            also under compute-sanitizer

Groups: drawn, broadcast, exact, refusals, execution, kernels, sanitize. Ends with `N passed, N failed, N skipped`
and with status 1 if anything failed. test/gpu/README.md tells more.
"""

import argparse
import json
import os
import pathlib
import queue
import subprocess
import sys
import tempfile
import threading
import time

import kernels
from suite import kind_of

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
COMMAND = "test/gpu/run.py"
MOST_ENDS = 20  # of workers that tests ended, before the run is given up


class Ended(Exception):
    """The worker is gone, and why."""


class Worker:
    """The process that runs tests."""

    def __init__(self, options):
        environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        paths = [str(ROOT / "python"), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(p for p in paths if p)
        command = [sys.executable, str(HERE / "worker.py"), json.dumps(options)]
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=environment, text=True
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.tests = self.next(time.monotonic() + 180)

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def next(self, deadline):
        """The next line; raises Ended if there is none."""
        try:
            line = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            self.process.kill()
            self.process.wait()
            raise Ended("it hangs") from None
        if line is None:
            raise Ended(self._why(self.process.wait()))
        return json.loads(line)

    def _why(self, status):
        self.log.seek(0)
        said = self.log.read().decode(errors="replace").strip().splitlines()[-12:]
        how = f"signal {-status}" if status < 0 else f"status {status}"
        return "\n".join([f"the process ended with {how}", *said])

    def run(self, indices, threads, report):
        """Runs tests, and calls report(index, outcome, message) for each. Raises Ended with
        `under_way`, those that had started and not ended."""
        under_way, lost = {}, None
        self.process.stdin.write(json.dumps({"tests": indices, "threads": threads}) + "\n")
        self.process.stdin.flush()
        try:
            while True:
                deadline = min(under_way.values(), default=time.monotonic() + 180)
                line = self.next(deadline)
                if "started" in line:
                    under_way[line["started"]] = time.monotonic() + line["limit"]
                elif "done" in line:
                    under_way.pop(line["done"])
                    report(line["done"], line["outcome"], line["message"])
                elif "lost" in line:
                    lost = line["lost"]
                else:
                    return
        except Ended as ended:
            why = Ended(f"the GPU's context is lost: {lost}" if lost else str(ended))
            why.under_way = sorted(under_way)
            raise why from None

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Run:
    """All tests, and what became of them."""

    def __init__(self, options, threads):
        self.options, self.threads = options, threads
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.groups, self.kinds, self.ends = {}, {}, 0

    def report(self, index, outcome, message):
        self.tell(self.names[index], outcome, message, f"{COMMAND} {self.again[index]}")

    def tell(self, name, outcome, message, again):
        self.counts[outcome] += 1
        group = self.groups.setdefault(name.split("/")[0], {"passed": 0, "failed": 0, "skipped": 0})
        group[outcome] += 1
        if outcome == "failed":
            text = message.replace("\n", "\n  ")
            print(f"FAIL {name}\n  {text}\n  {again}", flush=True)
        elif outcome == "skipped":
            self.kinds.setdefault(kind_of(message), []).append((name, message))
        elif message:
            print(f"{name}: {message}", flush=True)

    def all(self):
        self.worker = Worker(self.options)
        self.names, self.again, self.alone = (self.worker.tests[k] for k in ("names", "again", "alone"))
        indices = range(len(self.names))
        self.some([i for i in indices if not self.alone[i]], self.threads)
        self.some([i for i in indices if self.alone[i]], 1)
        self.worker.close()

    def some(self, indices, threads):
        """Runs tests. If one ends the worker, those that were under way run one by one, to find
        out which it was."""
        left = list(indices)

        def report(index, outcome, message):
            left.remove(index)
            self.report(index, outcome, message)

        while left:
            try:
                self.worker.run(left, threads, report)
            except Ended as ended:
                self.ends += 1
                if self.ends > MOST_ENDS:
                    print(f"the run is given up: {len(left)} tests have not run", flush=True)
                    self.counts["failed"] += len(left)
                    return
                suspects = ended.under_way
                self.worker = Worker(self.options)
                if len(suspects) == 1 or threads == 1:
                    for index in suspects or left[:1]:
                        report(index, "failed", str(ended))
                    continue
                before = self.counts["failed"]
                self.some(suspects, 1)
                for index in suspects:
                    left.remove(index)
                if self.counts["failed"] == before:
                    names = ", ".join(self.names[i] for i in suspects)
                    print(f"FAIL together, and not alone: {names}\n  {ended}", flush=True)
                    self.counts["failed"] += 1

    def summary(self):
        for group, counts in self.groups.items():
            print(f"{group:10}", ", ".join(f"{n} {name}" for name, n in counts.items() if n))
        for found in sorted(self.kinds.values(), key=len, reverse=True):
            name, message = found[0]
            print(f"skipped {len(found)}, like {name}: {message}")
        told = dict(self.counts)
        if not told["skipped"]:
            del told["skipped"]
        print(", ".join(f"{n} {name}" for name, n in told.items()))
        return 1 if self.counts["failed"] or not self.counts["passed"] else 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--seed", type=int, help="of what is drawn; default: another in each run")
    add("--cases", type=int, default=400, help="calls that are drawn; default: 400")
    add("--only", nargs="+", metavar="GROUP", help="groups, or the beginnings of tests' names")
    add("--repro", metavar="LINE", help="one call, as a failure prints it")
    add("--sanitize", action="store_true", help="also a few calls under compute-sanitizer")
    add("--kernels", metavar="PROGRAM", default=str(kernels.PROGRAM), help="tessera-kernels; default: the one in build")
    add("--threads", type=int, default=min(16, os.cpu_count() or 1), help="tests at a time")
    add("--device", default="cuda", help='"cpu" rehearses the suite on the host target')
    args = parser.parse_args()
    args.sanitize |= any(o.split("/")[0] == "sanitize" for o in args.only or [])
    return args


def main():
    args = parse()
    seed = args.seed if args.seed is not None else int.from_bytes(os.urandom(4), "little")
    begin = time.monotonic()
    print(f"seed {seed}", flush=True)
    options = {
        "seed": seed, "cases": args.cases, "only": args.only, "repro": args.repro,
        "sanitize": args.sanitize, "device": args.device, "kernels": args.kernels,
    }  # fmt: skip
    run = Run(options, args.threads)
    only = args.only or []
    wanted = [o for o in only if o.split("/")[0] == "kernels"]
    if args.repro or len(wanted) < len(only) or not only:
        options["only"] = [o for o in only if o not in wanted]
        try:
            run.all()
        except Ended as ended:
            print(f"{ended}\n0 passed, 1 failed")
            return 1
    # Those of the host are no part of a rehearsal, unless one asks for them.
    if wanted or not (only or args.repro or args.device == "cpu"):
        if os.path.exists(args.kernels):
            kernels.run({**options, "only": wanted}, args.threads, run.tell)
        else:
            missing = f"there is no {args.kernels}"
            run.tell("kernels", "failed" if wanted else "skipped", missing, f"{COMMAND} --only kernels")
    print(f"{time.monotonic() - begin:.1f} seconds")
    return run.summary()


if __name__ == "__main__":
    sys.exit(main())
