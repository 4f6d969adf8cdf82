#!/usr/bin/env python3
"""Compares the host target with PyTorch's CPU scaled_dot_product_attention.

Both run in this process on the same cores, interleaved, on the same fresh
random data; outputs are compared. Prints GFLOP/s (4 B H S^2 D, half of it
under a causal mask) and the ratio ours / torch of the medians, and writes JSON.

Goes through the Python package. Needs torch and numpy (`pip install torch numpy`)
and build/lib/libtessera.so.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import torch
import torch.nn.functional as F

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))
TYPES = {"f32": (torch.float32, 2e-5), "bf16": (torch.bfloat16, 3e-2)}


def cpu_name():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def timed(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def measure(tessera, name, head_dim, seqlen, causal, heads, repeats):
    dtype, tolerance = TYPES[name]
    q, k, v = (torch.randn(1, seqlen, heads, head_dim).to(dtype) for _ in range(3))
    ours = torch.empty_like(q)
    # torch takes [batch, heads, seqlen, head_dim]; its own contiguous layout.
    qt, kt, vt = (x.transpose(1, 2).contiguous() for x in (q, k, v))
    theirs = lambda: F.scaled_dot_product_attention(qt, kt, vt, is_causal=causal)
    launch = lambda: tessera.attention(q, k, v, causal=causal, out=ours)

    launch()
    difference = (ours.float() - theirs().transpose(1, 2).float()).abs().max().item()
    if not difference <= tolerance:
        raise SystemExit(f"outputs differ by {difference}")
    our_times, their_times = [], []
    for _ in range(repeats):
        our_times.append(timed(launch))
        their_times.append(timed(theirs))
    flop = 4 * heads * seqlen**2 * head_dim * (0.5 if causal else 1)
    a, b = statistics.median(our_times), statistics.median(their_times)
    return {
        "dtype": name, "head_dim": head_dim, "mask": "causal" if causal else "full", "seqlen": seqlen,
        "heads": heads, "tessera_gflops": round(flop / a / 1e9, 1), "torch_gflops": round(flop / b / 1e9, 1),
        "ratio": round(b / a, 3), "max_difference": difference,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--seqlens", type=int, nargs="+", default=[512, 1024, 2048, 4096])
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "bench/results/host_sdpa.json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    os.environ["TESSERA_THREADS"] = str(args.threads)
    import tessera  # reads the number of threads

    rows = []
    print("dtype  D   mask    S      tessera  torch  GFLOP/s  ratio")
    for name in TYPES:
        for head_dim in (64, 128):
            for causal in (False, True):
                for seqlen in args.seqlens:
                    row = measure(tessera, name, head_dim, seqlen, causal, args.heads, args.repeats)
                    rows.append(row)
                    print(f"{name:5} {head_dim:4} {row['mask']:7} {seqlen:5} {row['tessera_gflops']:9.1f} "
                          f"{row['torch_gflops']:7.1f} {row['ratio']:14.2f}", flush=True)
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps({
        "date": datetime.date.today().isoformat(), "cpu": cpu_name(), "threads": args.threads,
        "torch": torch.__version__, "commit": commit.stdout.strip(), "rows": rows,
    }, indent=1) + "\n")
    print(f"written to {args.out}")


if __name__ == "__main__":
    main()
