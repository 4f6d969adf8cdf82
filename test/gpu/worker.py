"""Runs tests of the suite in a process of its own, several at a time, and tells of each in a line
of JSON. `run.py` starts it again without the test that ended it."""

import json
import os
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

from suite import Failed, Skipped

LOST = 77  # the exit status when the GPU's context is lost


def start(device, options):
    """Imports what tests need, and gives all of them."""
    import torch

    torch.set_grad_enabled(False)
    torch.set_num_threads(1)  # tests have threads of their own
    if device != "cpu":
        if not torch.cuda.is_available():
            raise SystemExit("there is no GPU that torch can use")
        torch.empty(1, device=device)
    return collect(options)


def collect(options):
    """Every test, in the same order in every process."""
    import drawn
    import exact
    import execution
    import refusals
    import sanitize
    from case import Case

    if options["repro"]:
        return [drawn.test_of("drawn/repro", Case.parse(options["repro"]))]
    found = [*drawn.tests(options["seed"], options["cases"])]
    for module in (exact, refusals, execution):
        found += module.tests(options["seed"])
    if options["sanitize"]:
        found += sanitize.tests(options["kernels"])
    only = options["only"]
    if only:
        found = [t for t in found if any(t.name == o or t.group == o or t.name.startswith(o + "/") for o in only)]
    return found


def outcome(test, device):
    """What became of a test, and what there is to say."""
    try:
        said = test.run(device)
        return "passed", said if isinstance(said, str) else ""
    except Skipped as why:
        return "skipped", str(why)
    except Failed as wrong:
        return "failed", str(wrong)
    except Exception:
        return "failed", traceback.format_exc().strip()


def is_lost(device):
    """Whether the GPU's context can no longer be used."""
    if device == "cpu":
        return None
    import torch

    try:
        torch.cuda.synchronize()
    except Exception as error:
        return str(error).splitlines()[0]
    return None


def main():
    options = json.loads(sys.argv[1])
    # Lines go out of their own: what libraries print goes to stderr.
    lines = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    lock = threading.Lock()

    def tell(**line):
        with lock:
            lines.write(json.dumps(line) + "\n")

    device = options["device"]
    tests = start(device, options)
    tell(names=[t.name for t in tests], again=[t.arguments for t in tests], alone=[t.alone for t in tests])

    def run(index):
        test = tests[index]
        tell(started=index, limit=test.limit)
        result, message = outcome(test, device)
        if result == "failed" and (lost := is_lost(device)):
            tell(lost=f"{lost} ({message.splitlines()[-1]})")
            os._exit(LOST)
        tell(done=index, outcome=result, message=message)

    for line in sys.stdin:  # lists of tests to run, each on as many threads as it says
        job = json.loads(line)
        with ThreadPoolExecutor(job["threads"]) as pool:
            for future in [pool.submit(run, index) for index in job["tests"]]:
                future.result()
        tell(finished=True)
    lines.close()
    os._exit(0)  # whatever a library's threads still do


if __name__ == "__main__":
    main()
