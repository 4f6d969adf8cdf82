"""What a GPU does not take is refused with a typed error, and nothing is written. What one day it
does take has to be right."""

import tessera
import torch
from tessera import errors

from case import Case, Operands, same_bits, synchronize
from suite import Test, check


def check_refused(error, kinds, out, before, device):
    check(error.status != errors.Status.INTERNAL_ERROR, f"not a refusal but an internal error: {error}")
    check(isinstance(error, kinds), f"a {type(error).__name__}, expected {kinds}: {error}")
    synchronize(device)
    check(same_bits(out, before), "a call that was refused wrote to out")
    operands = Operands(Case([130], [70], causal=True), device)  # others go on
    operands.check(operands.run())


def refused_or_right(case, kinds, change, device):
    """`change(operands)` gives the arguments of the call, where they are not those of the case."""
    operands = Operands(case, device)
    (q, k, v), options = operands.tensors(), operands.options
    q, k, v, more = change(operands) if change else (q, k, v, {})
    options = {**options, **more}
    out = options["out"]
    operands.out = out
    before = out.clone()
    for call in (tessera.attention, tessera.prepare):
        try:
            result = call(q, k, v, **options)
        except tessera.Error as error:
            check_refused(error, kinds, out, before, device)
            continue
        if call is tessera.prepare:
            result.launch()
            result = (result.out, result.lse)
        synchronize(device)
        operands.check(result[1])
        out.copy_(before)


def refused(kinds, make, device):
    """`make(device)` gives q, k, v and options that nobody takes."""
    q, k, v, options = make(device)
    out = options.get("out")
    if out is None:
        out = torch.full((*q.shape[:-1], v.shape[-1]), 7.0, device=device).to(torch.bfloat16)
        options = {**options, "out": out}
    before = out.clone()
    for call in (tessera.attention, tessera.prepare):
        try:
            call(q, k, v, **options)
        except tessera.Error as error:
            check_refused(error, kinds, out, before, device)
        else:
            check(False, "not refused")


# ---- What may be taken one day ----


def off_by_one(name):
    """The operand lies one element behind a multiple of 16 bytes."""

    def change(operands):
        tensors = dict(zip("qkv", operands.tensors()), out=operands.out)
        x = tensors[name]
        moved = torch.zeros(x.numel() + 8, dtype=x.dtype, device=x.device)[1 : x.numel() + 1].view(x.shape)
        tensors[name] = moved.copy_(x)
        return tensors["q"], tensors["k"], tensors["v"], {"out": tensors["out"]}

    return change


def odd_rows(name):
    """Rows of the operand are no multiple of 16 bytes apart."""

    def change(operands):
        tensors = dict(zip("qkv", operands.tensors()), out=operands.out)
        x = tensors[name]
        wide = torch.zeros(*x.shape[:-1], x.shape[-1] + 4, dtype=x.dtype, device=x.device)
        tensors[name] = wide[..., : x.shape[-1]].copy_(x)
        return tensors["q"], tensors["k"], tensors["v"], {"out": tensors["out"]}

    return change


def pages(size, layout):
    def change(operands):
        q, k, v = operands.tensors()
        batch, rows = k.shape[:2]
        paged = [x.reshape(batch * rows // size, size, *x.shape[2:]) for x in (k, v)]
        if layout == "HND":
            paged = [x.transpose(1, 2).contiguous() for x in paged]
        table = torch.arange(batch * rows // size, dtype=torch.int32).view(batch, -1).to(q.device)
        return q, *paged, {"page_table": table, "page_layout": layout}

    return change


BASE = Case([130, 130], [150, 150], causal=True)
DTYPE = (errors.UnsupportedDTypeError, errors.InvalidKeyError, errors.UnsupportedTargetError)
WIDTH = (errors.UnsupportedHeadDimError, errors.InvalidKeyError, errors.UnsupportedTargetError)
PLACE = (errors.MisalignedError, errors.InvalidStrideError)
TARGET = (errors.InvalidKeyError, errors.UnsupportedTargetError, errors.UnsupportedArgumentError)

LATER = {
    "f32": (BASE.but(dtype="f32"), DTYPE, None),
    "f32 values": (BASE.but(v_dtype="f32"), DTYPE, None),
    "e4m3": (BASE.but(dtype="e4m3", out_dtype="bf16"), DTYPE, None),
    "e5m2": (BASE.but(dtype="e5m2", out_dtype="f16"), DTYPE, None),
    "head_dim 264": (BASE.but(d=264, dv=264), WIDTH, None),
    "head_dim 512": (BASE.but(d=512, dv=64), WIDTH, None),
    "head_dim_v 320": (BASE.but(d=64, dv=320), WIDTH, None),
    "pages": (BASE.but(kv=[128, 70], spare=96), TARGET, pages(16, "NHD")),
    "pages HND": (BASE.but(kv=[128, 70], spare=96), TARGET, pages(16, "HND")),
    **{f"misaligned {name}": (BASE, PLACE, off_by_one(name)) for name in ("q", "k", "v", "out")},
    **{f"odd rows of {name}": (BASE, PLACE, odd_rows(name)) for name in ("q", "k", "v", "out")},
}

# ---- What is wrong ----


def wrong(change, only_gpu=False):
    """A call with one thing wrong; `change(q, k, v, device)` gives q, k, v and options."""

    def make(device):
        q, k, v = (torch.zeros(2, 40, heads, 64, dtype=torch.bfloat16, device=device) for heads in (4, 2, 2))
        q, k, v, options = change(q, k, v, device)
        return q, k, v, options

    make.only_gpu = only_gpu
    return make


def ints(values, device, dtype=torch.int32):
    return torch.tensor(values, dtype=dtype).to(device)


def packed(q, k, v, device, table, **options):
    """Both packed, with a table of starts."""
    q, k, v = (x.flatten(0, 1) for x in (q, k, v))
    return q, k, v, {"cu_seqlens_q": table, "cu_seqlens_kv": table, "max_seqlen_q": 40, **options}


def over_q(q, k, v, device):
    return q, k, v, {"out": q}


E = errors
WRONG = {
    "ratio of heads": (E.InvalidShapeError, wrong(lambda q, k, v, d: (q[:, :, :3], k, v, {}))),
    "batches": (E.InvalidShapeError, wrong(lambda q, k, v, d: (q[:1], k, v, {}))),
    "widths": (E.InvalidShapeError, wrong(lambda q, k, v, d: (q[..., :32].contiguous(), k, v, {}))),
    "width 12": (E.UnsupportedHeadDimError, wrong(lambda q, k, v, d: (q[..., :12], k[..., :12], v, {}))),
    "rank": (E.InvalidRankError, wrong(lambda q, k, v, d: (q[0], k, v, {}))),
    "window": (E.InvalidValueError, wrong(lambda q, k, v, d: (q, k, v, {"window": (-5, 0)}))),
    "columns": (E.InvalidStrideError, wrong(lambda q, k, v, d: (q[..., ::2], k[..., ::2], v, {}))),
    "out is q": (E.OverlapError, wrong(over_q)),
    "host k": (E.UnsupportedTargetError, wrong(lambda q, k, v, d: (q, k.cpu(), v, {}), True)),
    "host slopes": (
        E.UnsupportedTargetError,
        wrong(lambda q, k, v, d: (q, k, v, {"alibi_slopes": torch.zeros(4)}), True),
    ),
    "list of lengths": (E.UnsupportedTargetError, wrong(lambda q, k, v, d: (q, k, v, {"seqused_kv": [3, 4]}), True)),
    "int64 lengths": (
        E.UnsupportedDTypeError,
        wrong(lambda q, k, v, d: (q, k, v, {"seqused_kv": ints([3, 4], d, torch.int64)})),
    ),
    "no max_seqlen_q": (
        E.InvalidValueError,
        wrong(lambda q, k, v, d: packed(q, k, v, d, ints([0, 40, 80], d), max_seqlen_q=None), True),
    ),
    "int64 starts": (
        E.UnsupportedDTypeError,
        wrong(lambda q, k, v, d: packed(q, k, v, d, ints([0, 40, 80], d, torch.int64))),
    ),
    "other batches": (
        (E.InvalidShapeError, E.InvalidRankError),
        wrong(lambda q, k, v, d: (q, k, v, {"alibi_slopes": torch.zeros(3).to(d)})),
    ),
    "target": (E.UnsupportedTargetError, wrong(lambda q, k, v, d: (q, k, v, {"target": "host"}), True)),
}  # fmt: skip


def tests(seed):
    for name, (case, kinds, change) in LATER.items():
        yield Test(f"refusals/{name}", lambda device, a=(case, kinds, change): refused_or_right(*a, device))
    for name, (kinds, make) in WRONG.items():

        def run(device, kinds=kinds, make=make):
            if not (make.only_gpu and device == "cpu"):
                refused(kinds, make, device)

        yield Test(f"refusals/{name}", run)
