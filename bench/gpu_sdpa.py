#!/usr/bin/env python3
"""Compares attention on a GPU with PyTorch's backends, in one process.

    bench/gpu_sdpa.py                          every head width, mask and length, against cuDNN and FlashAttention
    bench/gpu_sdpa.py --variants               ALiBi, sinks, softcap, GQA, packed lengths, a window
    bench/gpu_sdpa.py --host-cost              what a call costs the host
    bench/gpu_sdpa.py --from FILE --markdown   the tables of a run; needs neither torch nor a GPU

Each configuration has fresh random normal inputs, 16384 tokens in all and heads = 2048 / D, as [batch, seqlen, heads, D];
torch gets the transposed view of the same memory. Rest 60 ms, then ten launches between two events, one implementation
after the other, in several rounds; the median counts. Before that the results are checked: on random rows, the error
against float64 is at most twice (its mean 1.5 times) that of rounding scores and probabilities to the inputs' type.

TFLOP/s are 2 S^2 (D + DV) for each head and sequence, half of it under a causal mask, or what is visible where a window or
packed lengths say otherwise. docs/gpu-speed.md tells more. Ends with status 1 if a check failed.
"""
import argparse
import contextlib
import ctypes
import dataclasses
import datetime
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time
import warnings
from typing import Any, Callable, Dict, List, Optional

import gpu_report

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

TOKENS = 16384
MODEL_WIDTH = 2048  # heads * head_dim
WIDTHS = ("64", "96", "128", "192", "192/128", "256")  # that schedules are made for
BURST = 10  # launches between two events
REST = 0.06  # seconds before a burst, in which the card cools down
# A burst starts behind a spinning kernel, so that the host is ahead of the GPU when its time begins.
SPIN_CYCLES = 1_000_000
LIMIT = 30.0  # seconds that the GPU may take before it counts as hung
DEVICE = "cuda"
OWN = ("own plain", "own bf16")  # our own kernels that others are measured by

torch: Any = None  # imported where something is measured
tessera: Any = None


# ---- What is computed ----


@dataclasses.dataclass
class Case:
    """One configuration; `options` are those of tessera.attention."""

    variant: str
    head_dim: int
    head_dim_v: int
    seqlen: int
    options: Dict[str, Any]
    kv_heads: int
    lengths: Optional[List[int]] = None  # of packed sequences
    tensors: Any = None  # q, k, v

    @property
    def heads(self):
        return MODEL_WIDTH // self.head_dim

    @property
    def widths(self):
        """Of queries and keys, and of values."""
        return self.head_dim, self.head_dim_v

    @property
    def causal(self):
        return self.options.get("causal", False)

    @property
    def mask(self):
        return "causal" if self.causal else "full"

    @property
    def batch(self):
        return len(self.lengths) if self.lengths else TOKENS // self.seqlen

    def flop(self):
        left = self.options.get("window", (-1, -1))[0]
        if left >= 0:  # causal too: row r sees the min(r, left) keys before it, and its own
            n = min(left + 1, self.seqlen)
            pairs = self.batch * (n * (n + 1) / 2 + (self.seqlen - n) * n)
        else:
            pairs = sum(n * n for n in self.lengths or [self.seqlen] * self.batch) / (2 if self.causal else 1)
        return 2 * (self.head_dim + self.head_dim_v) * self.heads * pairs

    def make_tensors(self, dtype):
        normal = lambda *shape: torch.randn(*shape, device=DEVICE, dtype=torch.float32).to(dtype)
        packed = (sum(self.lengths),) if self.lengths else (self.batch, self.seqlen)
        shapes = (self.heads, self.head_dim), (self.kv_heads, self.head_dim), (self.kv_heads, self.head_dim_v)
        self.tensors = tuple(normal(*packed, *shape) for shape in shapes)
        if self.lengths:
            starts = torch.tensor([0] + self.lengths).cumsum(0).to(device=DEVICE, dtype=torch.int32)
            longest = max(self.lengths)
            self.options.update(
                cu_seqlens_q=starts, cu_seqlens_kv=starts, max_seqlen_q=longest, max_seqlen_kv=longest
            )

    def sequence(self, x, b, head):
        """[seqlen, width] of a tensor like q, k, v or out."""
        if self.lengths is None:
            return x[b, :, head]
        begin = sum(self.lengths[:b])
        return x[begin : begin + self.lengths[b], head]


def plain(widths, seqlen, causal):
    options = {"causal": True} if causal else {}
    return Case("plain", *widths, seqlen, options, MODEL_WIDTH // widths[0])


def zipf(count):
    """Lengths like 1, 1/2, 1/3, ..., TOKENS in all, in a random order."""
    total = sum(1 / i for i in range(1, count + 1))
    lengths = [max(1, int(TOKENS / total / i)) for i in range(1, count + 1)]
    lengths[0] += TOKENS - sum(lengths)
    return [lengths[i] for i in torch.randperm(count).tolist()]


def variant_named(name):
    """The fingerprint of a score or mask function of examples/variants; 0 if they are not built."""
    library = pathlib.Path(os.environ.get("TESSERA_LIBRARY") or ROOT / "build/lib/libtessera.so")
    library = library.parent / "libtessera-variants.so"
    if not library.exists():
        print(f"no {name}: there is no {library}")
        return 0
    find = ctypes.CDLL(str(library)).tessera_variant
    find.restype = ctypes.c_int64
    return find(name.encode())


def bias_of(case):
    """A relative bias [heads, distances], and the place of distance 0; or None."""
    arguments = case.options.get("variant_arguments")
    return (arguments["bias"], arguments["reach"]) if arguments else None


def variants():
    width = 128
    heads = MODEL_WIDTH // width
    floats = lambda values: torch.tensor(values, device=DEVICE, dtype=torch.float32)
    slopes = floats([2.0 ** (-8 * (h + 1) / heads) for h in range(heads)])
    for seqlen in (4096, 16384):
        make = lambda name, kv_heads=heads, **options: Case(
            name, width, width, seqlen, {"causal": True, **options}, kv_heads
        )
        yield make("alibi", alibi_slopes=slopes)
        yield make("sink_logits", sink_logits=floats([math.cos(h) for h in range(heads)]))
        yield make("softcap", softcap=30.0)
        yield make("gqa8", kv_heads=heads // 8)
        yield make("window 1024", window=(1023, 0))
        if variant := variant_named("relative_bias"):
            bias = torch.randn(heads, 2 * seqlen - 1, device=DEVICE)
            arguments = {"bias": bias, "reach": seqlen - 1}
            yield make("relative bias", variant=variant, variant_arguments=arguments)
    for name, lengths in (("packed equal", [2048] * 8), ("packed zipf", zipf(16))):
        yield Case(name, width, width, 2048, {"causal": True}, heads, lengths)


# ---- Who computes it ----


@dataclasses.dataclass
class Runner:
    """run() computes, result(what it gave) is like out; `context` holds around bursts."""

    name: str
    run: Callable[[], Any]
    result: Callable[[Any], Any]
    context: Callable[[], Any] = contextlib.nullcontext
    note: str = ""


def tessera_runners(case, names):
    """Prepared launches, and whole calls."""
    q, k, v = case.tensors
    out = torch.full((*q.shape[:-1], v.shape[-1]), math.nan, device=DEVICE, dtype=q.dtype)

    def read(_):
        copy = out.clone()
        out.fill_(math.nan)  # what is not written shows
        return copy

    if "tessera" in names:
        prepared = tessera.prepare(q, k, v, out=out, **case.options)
        yield Runner("tessera", prepared.launch, read)
    if "call" in names:
        yield Runner("call", lambda: tessera.attention(q, k, v, out=out, **case.options), read)


def sdpa_runner(case, name):
    """A backend of torch's scaled_dot_product_attention."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    if case.variant not in ("plain", "gqa8"):
        return None
    backend = {"cudnn": SDPBackend.CUDNN_ATTENTION, "fa2": SDPBackend.FLASH_ATTENTION}[name]
    context = lambda: sdpa_kernel(backend)
    views = [x.transpose(1, 2) for x in case.tensors]
    options = {"is_causal": case.causal, "enable_gqa": case.kv_heads != case.heads}
    function = torch.nn.functional.scaled_dot_product_attention
    with context():
        try:
            note = "transposed views"
            function(*views, **options)
        except RuntimeError:
            views, note = [x.contiguous() for x in views], "contiguous copies"
            function(*views, **options)
    run = lambda: function(*views, **options)
    return Runner(name, run, lambda out: out.transpose(1, 2), context, note)


def flex_runner(case):
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    if case.lengths or case.variant == "sink_logits":
        return None
    left = case.options.get("window", (-1, -1))[0]
    slopes, cap = case.options.get("alibi_slopes"), case.options.get("softcap")
    score = mask = None
    if slopes is not None:
        score = lambda x, b, h, i, j: x - slopes[h] * (i - j).abs()
    elif cap:
        score = lambda x, b, h, i, j: cap * torch.tanh(x / cap)
    elif given := bias_of(case):
        bias, reach = given
        score = lambda x, b, h, i, j: x + bias[h, j - i + reach]
    if left >= 0:
        keep = lambda b, h, i, j: (j <= i) & (i - j <= left)
    else:
        keep = lambda b, h, i, j: j <= i
    if case.causal:
        mask = create_block_mask(keep, None, None, case.seqlen, case.seqlen, device=DEVICE)
    views = [x.transpose(1, 2) for x in case.tensors]
    torch._dynamo.reset()  # else the shapes of the last case make this one's dynamic
    function = torch.compile(flex_attention, dynamic=False)
    gqa = case.kv_heads != case.heads
    run = lambda: function(*views, score_mod=score, block_mask=mask, enable_gqa=gqa)
    return Runner("flex", run, lambda out: out.transpose(1, 2))


def runners_of(case, names, refused):
    """Those that take the case; `refused` gets what the others say."""
    runners = []
    try:
        runners += tessera_runners(case, names)
    except tessera.Error as error:
        refused["tessera"] = str(error)
    for name in ("cudnn", "fa2", "flex"):
        if name not in names:
            continue
        try:
            runner = flex_runner(case) if name == "flex" else sdpa_runner(case, name)
        except Exception as error:  # whatever a peer says, this goes on
            refused[name] = first_line(error)
            continue
        if runner:
            runners.append(runner)
    return runners


def first_line(error):
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


# ---- Whether it is right ----


def exact_rows(case, b, head, rows, rounded):
    """Rows of the output in float64. `rounded`: with scores, probabilities and the result in the inputs' type."""
    q, k, v = case.tensors
    kv_head = head // (case.heads // case.kv_heads)
    k, v = (case.sequence(x, b, kv_head).double() for x in (k, v))
    narrow = (lambda x: x.to(q.dtype).double()) if rounded else (lambda x: x)
    row, col = rows[:, None], torch.arange(len(k), device=DEVICE)[None, :]
    options = case.options
    x = case.sequence(q, b, head)[rows].double() @ k.T / math.sqrt(case.head_dim)
    if given := bias_of(case):
        bias, reach = given
        x = x + bias[head].double()[col - row + reach]
    if cap := options.get("softcap"):
        x = cap * torch.tanh(x / cap)
    if (slopes := options.get("alibi_slopes")) is not None:
        x = x - slopes[head].double() * (row - col).abs()
    x = narrow(x)
    if case.causal:
        x = x.masked_fill(col > row, -math.inf)
    if (left := options.get("window", (-1, -1))[0]) >= 0:
        x = x.masked_fill(col < row - left, -math.inf)
    m, total = x.amax(1, keepdim=True), 0
    if (sinks := options.get("sink_logits")) is not None:
        m = m.clamp_min(sinks[head].double())
        total = torch.exp(sinks[head].double() - m)
    p = torch.exp(x - m)
    return narrow(narrow(p) @ v / (p.sum(1, keepdim=True) + total))


def check_rows(case):
    """Random rows with their exact values and the bounds of errors: their greatest, their mean."""
    samples, worst, means = [], 0.0, []
    weights = torch.tensor([float(n) for n in case.lengths or [1] * case.batch])
    for _ in range(4):
        b = int(torch.multinomial(weights, 1))
        length = case.lengths[b] if case.lengths else case.seqlen
        head = int(torch.randint(case.heads, (1,)))
        rows = torch.randperm(length, device=DEVICE)[:64]
        exact = exact_rows(case, b, head, rows, False)
        error = (exact_rows(case, b, head, rows, True) - exact).abs()
        samples.append((b, head, rows, exact))
        worst = max(worst, float(error.max()))
        means.append(float(error.mean()))
    return samples, worst, statistics.mean(means)


def errors_of(case, out, check):
    """Errors of a result, as shares of those of rounding, and whether they are within bounds."""
    samples, worst, mean = check
    if not bool(torch.isfinite(out).all()):
        return {"max": math.inf, "mean": math.inf, "passed": False}
    found = [(case.sequence(out, b, head)[rows].double() - exact).abs() for b, head, rows, exact in samples]
    most = max(float(x.max()) for x in found) / worst
    average = statistics.mean(float(x.mean()) for x in found) / mean
    return {"max": round(most, 3), "mean": round(average, 3), "passed": most <= 2 and average <= 1.5}


# ---- How fast it is ----


class Hung(Exception):
    """The GPU does not come back."""


def synchronize():
    event = torch.cuda.Event()
    event.record()
    deadline = time.monotonic() + LIMIT
    while not event.query():
        if time.monotonic() > deadline:
            raise Hung(f"nothing for {LIMIT:g} seconds")
        time.sleep(0.0001)


def time_burst(runner):
    """Milliseconds of a launch."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    with runner.context():
        torch.cuda._sleep(SPIN_CYCLES)
        begin.record()
        for _ in range(BURST):
            runner.run()
        end.record()
    synchronize()
    return begin.elapsed_time(end) / BURST


def time_all(runners, rounds):
    """The median of each runner's bursts, and all of them."""
    for runner in runners:
        time_burst(runner)
    times = {runner.name: [] for runner in runners}
    for i in range(rounds):
        for runner in runners[:: 1 if i % 2 == 0 else -1]:
            time.sleep(REST)
            times[runner.name].append(time_burst(runner))
    return {name: statistics.median(x) for name, x in times.items()}, times


def own_others(case, dtype):
    """Names and cases of our own kernels that serve as a measure, and their types: plain causal attention on as many
    tokens for a variant, bf16 for another type."""
    if case.variant != "plain":
        yield "own plain", plain(case.widths, case.seqlen, True), dtype
    elif dtype != torch.bfloat16:
        yield "own bf16", plain(case.widths, case.seqlen, case.causal), torch.bfloat16


def measure(case, names, rounds, dtype):
    """A row of the results."""
    case.make_tensors(dtype)
    check, refused, errors, right, notes = check_rows(case), {}, {}, [], {}
    runners = runners_of(case, names, refused)
    flops = {runner.name: case.flop() for runner in runners}
    if any(runner.name == "tessera" for runner in runners):
        for name, other, other_type in own_others(case, dtype):
            other.make_tensors(other_type)
            for runner in runners_of(other, ["tessera"], {}):
                runners.append(dataclasses.replace(runner, name=name))
                flops[name] = other.flop()
    for runner in runners:
        try:
            with runner.context():
                out = runner.result(runner.run())
            synchronize()
        except (tessera.Error, RuntimeError) as error:
            if runner.name in ("tessera", "call", *OWN) and not isinstance(error, tessera.Error):
                raise
            refused[runner.name] = first_line(error)
            continue
        except Hung as error:
            raise Hung(f"{runner.name}: {error}") from None
        if runner.name not in OWN:
            errors[runner.name] = errors_of(case, out, check)
        if runner.note:
            notes[runner.name] = runner.note
        right.append(runner)
        del out
    medians, times = time_all(right, rounds)
    tflops = {name: flops[name] / ms / 1e9 for name, ms in medians.items()}
    ours = tflops.get("tessera")
    ratio = {name: round(ours / x, 3) for name, x in tflops.items() if ours and name not in ("tessera", "call")}
    return {
        "variant": case.variant, "head_dim": case.head_dim, "head_dim_v": case.head_dim_v, "mask": case.mask,
        "seqlen": case.seqlen, "batch": case.batch, "heads": case.heads, "kv_heads": case.kv_heads, "lengths": case.lengths,
        "tflops": {name: round(x, 1) for name, x in tflops.items()}, "ratio": ratio, "errors": errors,
        "milliseconds": {name: [round(x, 5) for x in all_] for name, all_ in times.items()},
        "refused": refused, "notes": notes,
    }  # fmt: skip


def host_cost(dtype, calls=2000, batch=100):
    """Microseconds of the host for a launch of a tiny problem; the queue stays shallow."""
    q, k, v = (torch.randn(1, 128, 2, 64, device=DEVICE).to(dtype) for _ in range(3))
    case = plain((64, 64), 128, False)
    case.tensors = q, k, v
    out = torch.empty_like(q)
    functions = {}
    try:
        prepared = tessera.prepare(q, k, v, out=out)
        functions["tessera, prepared.launch"] = (prepared.launch, contextlib.nullcontext)
        functions["tessera.attention, with out"] = (
            lambda: tessera.attention(q, k, v, out=out),
            contextlib.nullcontext,
        )
        functions["tessera.attention"] = (lambda: tessera.attention(q, k, v), contextlib.nullcontext)
    except tessera.Error as error:
        print(f"tessera: {error}")
    for name in ("cudnn", "fa2"):
        try:
            runner = sdpa_runner(case, name)
            functions[f"torch sdpa, {name}"] = (runner.run, runner.context)
        except Exception as error:
            print(f"{name}: {first_line(error)}")
    costs = {}
    for name, (function, context) in functions.items():
        with context():
            for _ in range(batch):
                function()
            synchronize()
            spent = []
            for _ in range(calls // batch):
                begin = time.perf_counter()
                for _ in range(batch):
                    function()
                spent.append(time.perf_counter() - begin)
                synchronize()
        costs[name] = round(statistics.median(spent) / batch * 1e6, 2)
        print(f"{name:30} {costs[name]:8.2f} us", flush=True)
    return costs


# ---- The command ----


def driver_version():
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout.split("\n")[0].strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def commit():
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def about(args, seed):
    """Of a run: where, when, how."""
    return {
        "date": datetime.date.today().isoformat(), "gpu": torch.cuda.get_device_name(), "driver": driver_version(),
        "torch": torch.__version__, "cudnn": torch.backends.cudnn.version(), "tessera": tessera.version,
        "commit": args.commit or commit(), "dtype": args.dtype, "seed": seed,
        "protocol": {"name": "pause", "rest_ms": REST * 1e3, "burst": BURST, "rounds": args.rounds, "tokens": TOKENS},
    }  # fmt: skip


def load(args):
    global torch, tessera
    import torch as torch_module

    import tessera as tessera_module

    torch, tessera = torch_module, tessera_module
    if not torch.cuda.is_available():
        sys.exit("there is no GPU that torch can use")
    warnings.filterwarnings("ignore")  # torch explains at length why a backend does not take a case
    torch.set_grad_enabled(False)
    seed = args.seed if args.seed is not None else int.from_bytes(os.urandom(4), "little")
    torch.manual_seed(seed)
    return seed


def widths(text):
    """Head widths, of queries and of values, as a command line has them: D, or D/DV."""
    own, _, values = text.partition("/")
    return int(own), int(values or own)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--dims", type=widths, nargs="+", default=[widths(d) for d in WIDTHS], help="of heads; D/DV: of queries, of values")
    add("--seqlens", type=int, nargs="+", default=[512, 1024, 2048, 4096, 8192, 16384])
    add("--masks", nargs="+", choices=["full", "causal"], default=["full", "causal"])
    add("--dtype", choices=["bf16", "f16"], default="bf16")
    add("--rounds", type=int, default=7)
    names = ["tessera", "call", "cudnn", "fa2", "flex"]
    add("--only", nargs="+", choices=names, help="the implementations to run; tessera: prepared, call: whole calls")
    add("--flex", action="store_true", help="FlexAttention too, which compiles for seconds in each row")
    add("--variants", action="store_true", help="the variants, at D = 128")
    add("--no-table", action="store_true", help="leave out the plain table")
    add("--host-cost", action="store_true", help="what a call costs the host")
    add("--seed", type=int, help="of the inputs; default: another in each run")
    add("--commit", default="", help="to write into the results where git is not there to ask")
    add("--out", type=pathlib.Path, default=ROOT / "bench/results/gpu_sdpa.json")
    add("--from", dest="source", type=pathlib.Path, help="measure nothing: report on these results")
    add("--markdown", nargs="?", const="-", metavar="PAGE", help="print the results as tables, or put them into a page")
    add("--plot", type=pathlib.Path, help="draw the ratios to cuDNN into an SVG file")
    args = parser.parse_args()
    for seqlen in args.seqlens:
        if TOKENS % seqlen:
            parser.error(f"--seqlens: {seqlen} does not divide {TOKENS}")
    return args


def run(args):
    """Measures what is asked for; the results and whether all is right."""
    seed = load(args)
    names = args.only or ["tessera", "call", "cudnn", "fa2"] + (["flex"] if args.flex else [])
    results = {**about(args, seed), "rows": []}
    print(f"{results['gpu']}, driver {results['driver']}, torch {results['torch']}, cuDNN {results['cudnn']}, seed {seed}")
    cases = []
    if not args.no_table:
        cases += [
            plain(d, seqlen, mask == "causal") for d in args.dims for mask in args.masks for seqlen in args.seqlens
        ]
    if args.variants:
        cases += variants()
    dtype = {"bf16": torch.bfloat16, "f16": torch.float16}[args.dtype]
    passed, begin = True, time.monotonic()
    try:
        if args.host_cost:  # first: compilers of FlexAttention stay, and take the host's time
            results["host_us"] = host_cost(dtype)
        if cases:
            print(gpu_report.heading())
        for case in cases:
            row = measure(case, names, args.rounds, dtype)
            case.tensors = None
            results["rows"].append(row)
            print(gpu_report.line(row), flush=True)
            passed &= all(row["errors"][name]["passed"] for name in ("tessera", "call") if name in row["errors"])
    except Hung as error:
        print(f"the GPU hangs: {error}", flush=True)
        write(args.out, results)
        os._exit(1)  # nothing that touches the GPU would end
    except BaseException:
        write(args.out, results)  # what there is
        raise
    results["seconds"] = round(time.monotonic() - begin, 1)
    write(args.out, results)
    return results, passed


def write(path, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"written to {path}", flush=True)


def main():
    args = parse()
    if args.source:
        results, passed = json.loads(args.source.read_text()), True
    else:
        results, passed = run(args)
    if args.markdown == "-":
        print(gpu_report.markdown(results))
    elif args.markdown:
        page = pathlib.Path(args.markdown)
        page.write_text(gpu_report.fill(page.read_text(), results))
    if args.plot:
        args.plot.write_text(gpu_report.svg(results))
        print(f"drawn into {args.plot}")
    if not passed:
        print("a check failed")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
