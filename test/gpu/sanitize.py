"""A few calls under compute-sanitizer. No kernel but the library's runs: operands are made, and
results judged, on the CPU.

`sanitize.py LINE...`, where a line is a case, is what runs under the tool.
"""

import os
import re
import shutil
import subprocess
import sys

import kernels
from case import Case, Operands
from suite import Failed, Skipped, Test

TOOLS = {
    # What a summary says if all is well.
    "memcheck": r"ERROR SUMMARY: 0 errors",
    "racecheck": r"RACECHECK SUMMARY: 0 hazards",
}
LIMIT = 270


def cases():
    base = Case([130], [150], heads=2, kv_heads=1, causal=True)
    packed = base.but(q=[70, 0, 65], kv=[129, 7, 0], packed_q=True, packed_kv=True)
    return {
        "plain": base.but(causal=False, q=[65], kv=[300]),
        "causal 128": base.but(d=128, dv=128),
        "256": base.but(d=256, dv=256, dtype="f16"),
        "narrow": base.but(d=40, dv=24, q_layout="bhs", k_layout="bsh:1,2,1,8"),
        "band": base.but(left=20, right=5, causal=False, sink_tokens=3),
        "biased": base.but(sink_logits=True, alibi=2, softcap=3.0, out_dtype="f32"),
        "packed": packed,
        "used": packed.but(spare=5, outer=3),
    }


def find_tool():
    folders = [os.environ[n] + "/bin" for n in ("CUDA_HOME", "CUDA_PATH") if os.environ.get(n)]
    folders += os.environ.get("PATH", "").split(os.pathsep) + ["/usr/local/cuda/bin"]
    return shutil.which("compute-sanitizer", path=os.pathsep.join(folders))


def said_under(tool, device, command, environment):
    """What a command says under a tool, and whether the command and the tool are content."""
    program = find_tool()
    if device == "cpu" or not program:
        raise Skipped("there is no compute-sanitizer")
    command = [program, "--tool", tool, "--target-processes", "application-only", *command]
    try:
        done = subprocess.run(
            command, env={**os.environ, **environment},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT - 10,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Failed(f"{tool} takes longer than {LIMIT - 10} seconds") from None
    is_fine = not done.returncode and re.search(TOOLS[tool], done.stdout)
    return done.stdout.strip().splitlines(), is_fine


def fail(lines):
    raise Failed("\n".join(lines if len(lines) < 80 else [*lines[:60], "...", *lines[-20:]]))


def strips_under(tool, device, program):
    """A relative bias, whose kernel gathers strips of a table beside the keys."""
    if not os.path.exists(program):
        raise Skipped(f"there is no {program}")
    command = [program, "--gtest_filter=Examples/Variants.MeetOtherFeatures/relative_bias"]
    lines, is_fine = said_under(tool, device, command, kernels.TARGET)
    if not is_fine or "[  PASSED  ] 1 test." not in lines:
        fail(lines)


def run_under(tool, device):
    """All cases in one process: it takes longer to start than to run them."""
    # Each tensor in memory of its own, so that a step past its end is seen.
    environment = {"PYTORCH_NO_CUDA_MEMORY_CACHING": "1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, __file__, *map(str, cases().values())]
    lines, is_fine = said_under(tool, device, command, environment)
    refused = [line for line in lines if line.startswith("refused: ")]
    if len(refused) == len(cases()):
        raise Skipped(refused[0])
    if not is_fine or "all is right" not in lines:
        fail(lines)
    return "; ".join(refused)


def main(lines):
    import torch

    torch.set_grad_enabled(False)
    for line in lines:
        print(line)
        operands = Operands(Case.parse(line), "cuda")
        try:
            lse = operands.run()
        except Skipped as why:
            print(f"refused: {why}")
            continue
        operands.move("cpu")
        operands.check(None if lse is None else lse.cpu())
        operands.check_surroundings()
    print("all is right")


def tests(program):
    """`program`: tessera-kernels, which knows score functions of a user."""
    for tool in TOOLS:
        yield Test(f"sanitize/{tool}", lambda device, tool=tool: run_under(tool, device), limit=LIMIT)
        yield Test(
            f"sanitize/strips {tool}", lambda device, tool=tool: strips_under(tool, device, program), limit=LIMIT
        )


if __name__ == "__main__":
    main(sys.argv[1:])
