"""One call of attention: what is computed, on which numbers, and how they lie in memory."""

import dataclasses
import json
from typing import List, Optional

import tessera
import torch

import reference
from suite import Failed, asking

TYPES = {
    "bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32,
    "e4m3": torch.float8_e4m3fn, "e5m2": torch.float8_e5m2,
}  # fmt: skip
NAN = float("nan")


@dataclasses.dataclass
class Case:
    """`q` and `kv` are the lengths of sequences.

    A layout names the dimensions of the memory from the slowest to the fastest, and how much more
    there is of each than the call uses: "bhs" is [batch, heads, rows, width], "bsh:0,3,1,8" has
    three rows, a head and eight columns more. A dimension that is not named has stride 0, "qkv"
    is one tensor for all three.
    """

    q: List[int]
    kv: List[int]
    heads: int = 2
    kv_heads: int = 2
    d: int = 64
    dv: int = 64
    dtype: str = "bf16"
    v_dtype: str = ""
    out_dtype: str = ""
    causal: bool = False
    top_left: bool = False
    left: int = -1
    right: int = -1
    sink_tokens: int = 0
    sink_logits: bool = False
    alibi: int = 0  # 1: slopes of heads, 2: of batches and heads
    softcap: float = 0.0
    scale: Optional[float] = None
    lse: bool = True
    packed_q: bool = False
    packed_kv: bool = False
    spare: int = -1  # rows of a sequence behind those that seqused_kv tells
    outer: int = 0  # rows of packed tensors before the first and after the last sequence
    slack: int = 0  # how much more max_seqlen_q is than it must
    q_layout: str = "bsh"
    k_layout: str = "bsh"
    v_layout: str = "bsh"
    out_layout: str = "bsh"
    margin: float = NAN  # what lies around q, k and v
    seed: int = 1

    def __str__(self):
        """All that is needed to build it again, in one line of JSON."""
        told = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != field.default and value == value:
                told[field.name] = value
        return json.dumps(told, separators=(",", ":"))

    @staticmethod
    def parse(line):
        return Case(**json.loads(line))

    @property
    def again(self):
        return f"--repro '{self}'"

    @property
    def batch(self):
        return len(self.q)

    def but(self, **changes):
        return dataclasses.replace(self, **changes)

    def scores(self):
        return self.heads * sum(a * b for a, b in zip(self.q, self.kv))

    def features(self):
        """Those of the reference that are not tensors."""
        return {
            "causal": self.causal, "top_left": self.top_left, "window": (self.left, self.right),
            "sink_tokens": self.sink_tokens, "softcap": self.softcap, "scale": self.scale,
        }  # fmt: skip


class Memory:
    """A tensor of a layout in memory of its own."""

    def __init__(self, shape, layout, dtype, fill):
        order, _, extra = layout.partition(":")
        self.order, self.shape = order, shape
        self.extra = [int(n) for n in extra.split(",")] if extra else [0, 0, 0, 0]
        sizes = dict(zip("bshw", (n + more for n, more in zip(shape, self.extra))))
        full = [sizes[name] for name in order] + [sizes["w"]]
        self.all = torch.full(full, fill, dtype=torch.float32).to(dtype)

    def view(self):
        """[batch, rows, heads, width] of it. What is beyond lies half before, half behind."""
        missing = [name for name in "bshw" if name not in self.order + "w"]
        x = self.all[(None,) * len(missing)]
        names = "".join(missing) + self.order + "w"
        x = x.permute([names.index(name) for name in "bshw"])
        for axis, (size, more) in enumerate(zip(self.shape, self.extra)):
            if "bshw"[axis] in missing:
                sizes = list(x.shape)
                sizes[axis] = size
                x = x.expand(sizes)
            else:
                before = more - more // 2
                x = x.narrow(axis, before - before % 8 if axis == 3 else before, size)
        return x


class Operands:
    """The tensors of a case. They are made on the CPU and copied as they lie: on the GPU no
    other kernel runs than the library's."""

    def __init__(self, case, device):
        self.case, self.device = case, device
        c, generator = case, torch.Generator().manual_seed(case.seed)
        self.capacity = [n + max(c.spare, 0) for n in c.kv]
        self.starts_q = self._starts(c.q)
        self.starts_kv = self._starts(self.capacity)
        dtype = TYPES[c.dtype]
        rows = lambda packed, lengths, starts: (
            (1, starts[-1] + c.outer) if packed else (len(lengths), max(lengths, default=0))
        )
        q_rows = rows(c.packed_q, c.q, self.starts_q)
        kv_rows = rows(c.packed_kv, self.capacity, self.starts_kv)
        if c.q_layout == "qkv":
            one = Memory((*q_rows, c.heads + 2 * c.kv_heads, c.d), "bsh:1,2,1,8", dtype, c.margin)
            self.memories = [one]
        else:
            self.memories = [
                Memory((*q_rows, c.heads, c.d), c.q_layout, dtype, c.margin),
                Memory((*kv_rows, c.kv_heads, c.d), c.k_layout, dtype, c.margin),
                Memory((*kv_rows, c.kv_heads, c.dv), c.v_layout, TYPES[c.v_dtype or c.dtype], c.margin),
            ]
        self._view()
        for b in range(c.batch):
            for x in map(once, self.sequence(b)):
                x.copy_(torch.randn(x.shape, generator=generator))
        out_dtype = TYPES[c.out_dtype or c.dtype]
        self.out_memory = Memory((*q_rows, c.heads, c.dv), c.out_layout, out_dtype, NAN)
        self.out_before = self.out_memory.all.clone()
        floats = lambda *shape: torch.randn(*shape, generator=generator)
        self.sinks = floats(c.heads) if c.sink_logits else None
        slopes = [(), (c.heads,), (c.batch, c.heads)][c.alibi]
        self.slopes = floats(*slopes).abs().mul(0.2) if c.alibi else None
        self.move(device)
        self.options = self._options()

    def _starts(self, lengths):
        starts = [self.case.outer]
        for length in lengths:
            starts.append(starts[-1] + length)
        return starts

    def _view(self):
        c = self.case
        if len(self.memories) == 1:
            parts = self.memories[0].view().split([c.heads, c.kv_heads, c.kv_heads], 2)
        else:
            parts = [memory.view() for memory in self.memories]
        packed = (c.packed_q, c.packed_kv, c.packed_kv)
        self.q, self.k, self.v = (self._shaped(x, p) for x, p in zip(parts, packed))

    @staticmethod
    def _shaped(x, packed):
        return x[0] if packed else x

    def _options(self):
        """Of tessera.attention, besides q, k and v."""
        c = self.case
        ints = lambda values: torch.tensor(values, dtype=torch.int32).to(self.device)
        options = {
            "causal": c.causal, "window": (c.left, c.right), "sink_tokens": c.sink_tokens,
            "sink_logits": self.sinks, "alibi_slopes": self.slopes, "softcap": c.softcap,
            "scale": c.scale, "out": self.out, "return_lse": c.lse,
        }  # fmt: skip
        if c.top_left:
            options["causal_align"] = "top_left"
        if c.packed_q:
            options["cu_seqlens_q"] = ints(self.starts_q)
            options["max_seqlen_q"] = max(c.q, default=0) + c.slack
        if c.packed_kv:
            options["cu_seqlens_kv"] = ints(self.starts_kv)
        if c.spare >= 0:
            options["seqused_kv"] = ints(c.kv)
        return options

    def of_q(self, x, b):
        """The rows of sequence b in a tensor like q."""
        if not self.case.packed_q:
            return x[b]
        return x[self.starts_q[b] : self.starts_q[b + 1]]

    def of_kv(self, x, b):
        begin = self.starts_kv[b]
        rows = x[begin : begin + self.capacity[b]] if self.case.packed_kv else x[b]
        return rows[: self.case.kv[b]]

    def sequence(self, b):
        return self.of_q(self.q, b), self.of_kv(self.k, b), self.of_kv(self.v, b)

    def tensors(self):
        return self.q, self.k, self.v

    def move(self, device):
        """Moves everything that `check` and `check_surroundings` look at."""
        self.device = device
        for memory in self.memories + [self.out_memory]:
            memory.all = memory.all.to(device)
        self._view()
        self.out = self._shaped(self.out_memory.view(), self.case.packed_q)
        self.sinks, self.slopes = (x if x is None else x.to(device) for x in (self.sinks, self.slopes))

    def lse_of(self, lse, b):
        """[heads, rows] of sequence b."""
        if lse is None or not self.case.packed_q:
            return None if lse is None else lse[b]
        return lse[:, self.starts_q[b] : self.starts_q[b + 1]]

    def prepare(self):
        return asking(tessera.prepare, self.q, self.k, self.v, **self.options)

    def call(self):
        """The log-sum-exp, or None; out is where it was."""
        result = asking(tessera.attention, self.q, self.k, self.v, **self.options)
        return result[1] if self.case.lse else None

    def run(self):
        """A prepared launch, waited for. The log-sum-exp, or None."""
        prepared = self.prepare()
        prepared.launch()
        synchronize(self.device)
        return prepared.lse

    def results(self, lse):
        """Copies of what a run wrote, of the sequences alone."""
        found = []
        for b in range(self.case.batch):
            found.append(self.of_q(self.out, b).clone())
            if lse is not None:
                found.append(self.lse_of(lse, b).clone())
        return found

    def check_surroundings(self):
        """Raises Failed if anything was written besides the output."""
        expected = Memory.__new__(Memory)
        expected.__dict__.update(self.out_memory.__dict__)
        expected.all = self.out_before.clone().to(self.device)
        view = self._shaped(expected.view(), self.case.packed_q)
        for b in range(self.case.batch):
            self.of_q(view, b).copy_(self.of_q(self.out, b))
        if not same_bits(expected.all, self.out_memory.all):
            raise Failed("something was written outside of out")

    def exact(self, b, rounded=False):
        c = self.case
        rounding = None
        if rounded:
            to = lambda dtype: lambda x: x.to(dtype).double()
            # To the types of the queries, the values, the output.
            rounding = reference.Rounding(
                *(to(TYPES[t]) for t in (c.dtype, c.v_dtype or c.dtype, c.out_dtype or c.dtype))
            )
        slopes = self.slopes[b] if c.alibi == 2 else self.slopes
        return reference.attention(
            *self.sequence(b), **c.features(), sink_logits=self.sinks, alibi_slopes=slopes, rounding=rounding
        )

    def check(self, lse):
        """Raises Failed if out or lse is not what the reference says, within bounds."""
        c = self.case
        types = {TYPES[t] for t in (c.dtype, c.v_dtype or c.dtype, c.out_dtype or c.dtype)}
        bias_error = 0.0
        if c.alibi and c.batch and c.heads:
            # Matrix instructions that begin with a bias cut their sum once for each 16 columns.
            bias_error = float(self.slopes.max()) * max(c.q + c.kv) * max(2, (c.d + 15) // 16) * 2**-23
        judge = reference.Judge([torch.finfo(t).eps for t in types], c.softcap, bias_error)
        for b in range(c.batch):
            judge.add(
                f"sequence {b}", self.of_q(self.out, b), self.lse_of(lse, b), self.exact(b), self.exact(b, True)
            )
        if wrong := judge.verdict():
            raise Failed(wrong)


def once(x):
    """A view with every element that is in memory once and seen often a single time."""
    for axis, stride in enumerate(x.stride()):
        x = x.narrow(axis, 0, 1) if stride == 0 and x.shape[axis] > 1 else x
    return x


def synchronize(device):
    if device != "cpu":
        torch.cuda.synchronize()


_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def bits(x):
    return x.contiguous().view(_BITS[x.element_size()])


def same_bits(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and torch.equal(bits(a), bits(b))


def check_same(found, expected, what):
    """Raises Failed unless lists of tensors are the same to the bit."""
    for i, (a, b) in enumerate(zip(found, expected)):
        if not same_bits(a, b):
            different = (bits(a) != bits(b)).nonzero()
            at = different[0].tolist() if len(different) else "another shape"
            raise Failed(f"{what}: result {i} differs in {len(different)} elements, the first at {at}")


def check_near(found, expected, what):
    """Kernels of other keys may round otherwise: by two steps of the type. An output in f32 (the
    first of a sequence's two results) has what weights leave that were rounded to bf16 below another maximum."""
    for i, (a, b) in enumerate(zip(found, expected)):
        x, y = a.double(), b.double()
        if not x.numel():
            continue
        infinite = torch.isinf(y)
        if not torch.equal(torch.where(infinite, x, 0.0), torch.where(infinite, y, 0.0)):
            raise Failed(f"{what}: result {i} is infinite elsewhere")
        x, y = torch.where(infinite, 0.0, x), torch.where(infinite, 0.0, y)
        step = max(torch.finfo(b.dtype).eps, 2**-9 if i % 2 == 0 else 2**-14)
        granted = 2 * step * float(y.abs().max().clamp_min(1e-3))
        most = float((x - y).abs().max())
        if not most <= granted:
            raise Failed(f"{what}: result {i} differs by {most:.3g}, at most {granted:.3g}")
