"""What must hold to the last bit, or for every key."""

import contextlib
import math
from unittest import mock

import torch
from tessera import _frame, _torch

import reference
from case import Case, Operands, check_near, check_same
from suite import Test, check

# Each has a schedule of its own.
WIDTHS = [64, 128, 192, 256]


def variants():
    """Cases that reach every kind of tile: whole, ragged, masked and empty."""
    base = Case([130, 130], [101, 101], heads=4, kv_heads=2, d=128, dv=128, causal=True)
    long = base.but(q=[700, 700], kv=[650, 650])
    return {
        "plain": base.but(causal=False),
        "causal": long,
        "causal 64": long.but(d=64, dv=64, dtype="f16"),
        "narrow": long.but(d=40, dv=24),
        "192 and 128": long.but(d=192),
        "256": long.but(d=256, dv=256),
        "band": long.but(causal=False, left=90, right=5),
        "sinks": long.but(left=70, sink_tokens=4, sink_logits=True, dtype="f16"),
        "biased": long.but(alibi=2, softcap=3.0, top_left=True),
        "f32": long.but(out_dtype="f32", scale=-0.05),
    }


def run(case, device):
    """Operands and copies of what was written."""
    operands = Operands(case, device)
    lse = operands.run()
    operands.check_surroundings()
    return operands, operands.results(lse)


def run_on(operands, device):
    lse = operands.run()
    return operands.results(lse)


# ---- Which keys a query sees ----

MASKS = {
    "none": {}, "causal": {"causal": True}, "left": {"left": 1}, "right": {"right": 1},
    "band": {"left": 1, "right": 1}, "causal_left": {"causal": True, "left": 1},
    "causal_right": {"causal": True, "right": 1}, "left_sinks": {"left": 1, "sink_tokens": 1},
    "band_sinks": {"left": 1, "right": 1, "sink_tokens": 1},
    "causal_left_sinks": {"causal": True, "left": 1, "sink_tokens": 1},
    "causal_band_sinks": {"causal": True, "left": 1, "right": 1, "sink_tokens": 1},
}  # fmt: skip
LENGTHS = [(150, 150), (63, 150), (150, 63), (1, 400), (400, 1), (129, 128), (97, 385), (385, 97)]


def sized(mask, size, top_left):
    """A mask of MASKS with windows of a size, another one to the right."""
    changes = {**mask, "top_left": top_left}
    if "left" in mask:
        changes["left"] = size
    if "right" in mask:
        changes["right"] = size // 2
    if "sink_tokens" in mask:
        changes["sink_tokens"] = size % 7 + 1
    return changes


def check_visible(case, device):
    """With q = 0 every visible key weighs the same. Head n has the identity as its values of the
    keys from n * dv on: out says which keys are seen, and the LSE how many."""
    operands = Operands(case, device)
    values = torch.zeros(case.dv * case.heads, case.heads, case.dv)
    keys = torch.arange(case.dv * case.heads)
    values[keys, keys // case.dv, keys % case.dv] = 1
    values = values.to(device)
    for b in range(case.batch):
        q, k, v = operands.sequence(b)
        q.zero_()
        k.fill_(1)
        v.copy_(values[: len(v)])
    lse = operands.run()
    operands.check_surroundings()
    for b in range(case.batch):
        sq, skv = case.q[b], case.kv[b]
        row, col = reference.positions(operands.q, sq, skv, case.top_left)
        keep = reference.visible(row, col, case.causal, (case.left, case.right), case.sink_tokens)
        out = operands.of_q(operands.out, b)
        found = out.flatten(1)[:, :skv]
        wrong = (found != 0) != keep
        if bool(wrong.any()):
            i, j = wrong.nonzero()[0].tolist()
            what = "is not seen" if keep[i, j] else "is seen"
            check(False, f"key {j} {what} by query {i} of sequence {b}: {case}")
        count = keep.sum(1).double()
        share = torch.where(keep, 1 / count[:, None].clamp_min(1), 0.0)
        error = (found.double() - share).abs() - torch.finfo(out.dtype).eps * share
        check(bool((error <= 0).all()), f"weights of sequence {b} are not 1 / n: {case}")
        check(not bool(out.flatten(1)[:, skv:].any()), f"keys past the end are seen: {case}")
        found, expected = operands.lse_of(lse, b).double(), torch.log(count)[None].expand(case.heads, -1)
        empty = torch.isinf(expected)
        fine = torch.where(empty, found == expected, (found - torch.where(empty, 0.0, expected)).abs() <= 4e-6)
        check(bool(fine.all()), f"the LSE of sequence {b} is not ln n: {case}")


def visible_set(mask, top_left, width, packed, device):
    for size in (0, 1, 31, 64, 149, 1000):
        changes = sized(mask, size, top_left)
        blocks = lambda lengths: max(1, -(-max(lengths) // width))
        # With the keys' widths of 64 there is little to multiply; values are as wide as the schedule is.
        base = Case([], [], d=64 if width > 128 else width, dv=width, **changes)
        if packed:
            q, kv = zip(*LENGTHS, (0, 70), (70, 0), (0, 0))
            h = blocks(kv)
            check_visible(
                base.but(q=list(q), kv=list(kv), heads=h, kv_heads=h, packed_q=True, packed_kv=True, spare=3, outer=5),
                device,
            )
        else:
            for sq, skv in LENGTHS:
                h = blocks([skv])
                check_visible(base.but(q=[sq], kv=[skv], heads=h, kv_heads=h), device)
        if "left" not in mask and "right" not in mask:
            break


# ---- Numbers ----


def constant_values(case, device):
    """A weighted mean of one number is that number."""
    operands = Operands(case.but(sink_logits=False, out_dtype=""), device)
    for b in range(case.batch):
        operands.sequence(b)[2].fill_(-2.5)
    operands.run()
    for b in range(case.batch):
        out, seen = operands.of_q(operands.out, b), operands.exact(b).seen > 0
        check(bool((out[seen] == -2.5).all()), "values of -2.5 give something else")
        check(not bool(out[~seen].any()), "a row that sees no key is not zero")


def shared_keys(ratio, device):
    """Heads that share keys give what heads with copies of these keys do."""
    shared = Case([130, 300], [200, 257], heads=2 * ratio, kv_heads=2, causal=True, packed_q=True, packed_kv=True)
    repeated = shared.but(kv_heads=shared.heads)
    a, b = Operands(shared, device), Operands(repeated, device)
    for mine, theirs in ((a.q, b.q), (a.k, b.k), (a.v, b.v)):
        theirs.copy_(mine.repeat_interleave(theirs.shape[-2] // mine.shape[-2], -2))
    check_same(run_on(b, device), run_on(a, device), f"copies of keys, {ratio} heads each")


def sequences_alone(case, device):
    """Packed sequences give what each gives in a call of its own, packed or dense."""
    lengths = {"q": [257, 0, 64, 700, 1, 130], "kv": [300, 70, 0, 650, 257, 0]}
    together = case.but(**lengths, alibi=min(case.alibi, 1), packed_q=True, packed_kv=True)
    operands, found = run(together, device)
    for b in range(together.batch):
        mine = found[2 * b : 2 * b + 2]
        one = together.but(q=[together.q[b]], kv=[together.kv[b]])
        for packed in (True, False):
            alone = Operands(one.but(packed_q=packed, packed_kv=packed), device)
            for x, y in zip(alone.sequence(0), operands.sequence(b)):
                x.copy_(y)
            for name in ("sink_logits", "alibi_slopes"):
                if operands.options[name] is not None:
                    alone.options[name].copy_(operands.options[name])
            results = run_on(alone, device)
            if packed:
                check_same(results, mine, f"sequence {b} alone")
            else:  # another key
                check_near(results, mine, f"sequence {b} dense")


def wide_windows(case, device):
    none = case.but(left=-1, right=-1, sink_tokens=0)
    reach = max(case.q + case.kv)
    _, expected = run(none, device)
    _, least = run(none.but(left=reach, right=reach), device)
    check_near(least, expected, "windows as wide as the keys")
    for size in (1 << 31, (1 << 31) - 1, 1 << 40, (1 << 63) - 1):
        _, found = run(none.but(left=size, right=size), device)
        check_same(found, least, f"windows of {size}")


def usual_scale(case, device):
    _, expected = run(case.but(scale=None), device)
    _, found = run(case.but(scale=case.d**-0.5), device)
    check_same(found, expected, "scale = 1 / sqrt(d)")


def inert(case, device):
    """Features whose numbers say nothing."""
    plain = case.but(alibi=0, sink_logits=False)
    _, expected = run(plain, device)
    for name, feature in (("alibi_slopes", {"alibi": 1}), ("sink_logits", {"sink_logits": True})):
        operands = Operands(plain.but(**feature), device)
        source = Operands(plain, device)
        for memory, other in zip(operands.memories, source.memories):
            memory.all.copy_(other.all)
        operands.options[name].fill_(0.0 if name == "alibi_slopes" else -math.inf)
        check_near(run_on(operands, device), expected, f"{name} that say nothing")


def nothing_to_do(device):
    """Empty batches, queries and keys."""
    for packed in (False, True):
        for q, kv in (([], []), ([0], [10]), ([10], [0]), ([0, 0], [0, 0])):
            for sinks in (False, True):
                case = Case(q, kv, packed_q=packed, packed_kv=packed, sink_logits=sinks)
                operands = Operands(case, device)
                operands.check(operands.run())
                operands.check_surroundings()


# ---- Memory ----


def margins(case, device):
    """What lies around the operands does not matter, be it NaN; nor what lies behind the lengths."""
    layout = "bsh:1,9,1,16"
    dense = case.but(q_layout=layout, k_layout=layout, v_layout=layout, out_layout=layout, spare=37)
    ragged = {"q": [257, 0, 300], "kv": [129, 70, 400]}
    packed = dense.but(**ragged, packed_q=True, packed_kv=True, outer=70)
    used = dense.but(q=[700] * 3, kv=[650, 0, 129])
    for form in (dense, packed, packed.but(spare=-1), used):
        _, expected = run(form.but(margin=0.0), device)
        for margin in (math.nan, math.inf, -3e38):
            operands, found = run(form.but(margin=margin), device)
            check_same(found, expected, f"{margin} around the operands")
        operands.check(operands.run())


def other_sequences(case, device):
    """A sequence of NaN changes no other."""
    lengths = {"q": [257, 130, 300], "kv": [129, 70, 400]}
    for form in (case.but(**lengths, packed_q=True, packed_kv=True), case.but(q=[300] * 3, kv=[257] * 3)):
        operands, expected = run(form, device)
        for x in operands.sequence(1):
            x.fill_(math.nan)
        found = run_on(operands, device)
        for b in (0, 2):
            check_same(found[2 * b : 2 * b + 2], expected[2 * b : 2 * b + 2], f"sequence {b} beside one of NaN")


def poisoned(name, case, device):
    """NaN in a row of q, k or v changes only the rows that see it."""
    operands, expected = run(case, device)
    b, at = 1, {"q": case.q[1] // 2, "k": case.kv[1] // 2, "v": case.kv[1] // 2}[name]
    poisoned_rows = operands.sequence(b)["qkv".index(name)]
    usual = poisoned_rows[at].clone()
    poisoned_rows[at] = math.nan
    lse = operands.run()
    found = operands.results(lse)
    if name == "q":
        hit = torch.arange(case.q[b]) == at
    else:
        row, col = reference.positions(operands.q, case.q[b], case.kv[b], case.top_left)
        hit = reference.visible(row, col, case.causal, (case.left, case.right), case.sink_tokens)[:, at].cpu()
    check_same(found[:2], expected[:2], "another sequence")
    rows = (~hit).nonzero()[:, 0].to(device)
    if name == "v":
        # Scalar arithmetic stands in for the instructions that would have spread it, and rounds otherwise.
        poisoned_rows[at] = usual
        seen_rows = hit.nonzero()[:, 0].to(device)
        operands.of_q(operands.out, b)[seen_rows] = expected[2][seen_rows]
        operands.check(lse)
    else:
        clean = lambda results: [results[2][rows], results[3][:, rows]]
        check_same(clean(found), clean(expected), f"rows that do not see the NaN of {name}")
    seen = torch.isnan(found[2]).flatten(1).any(1).cpu()
    missing = (hit & ~seen).nonzero()
    check(not len(missing) or name == "q", f"the NaN of {name} is not in rows that see it: {missing[:3, 0].tolist()}")


@contextlib.contextmanager
def guarded_outputs():
    """Arrays that the package makes lie between others, which are checked in the end."""
    usual, made = _torch.framework(), []

    def empty(name, like, code, shape, stream):
        dtype, size = _torch._dtypes[code], math.prod(shape)
        around = 4096
        whole = torch.full((size + 2 * around,), 7.0, dtype=dtype, device=like.device)
        made.append((whole, around, size))
        inner = whole[around : around + size].view(shape)
        return inner, inner.data_ptr()

    with mock.patch.dict(_frame._frameworks, {torch.Tensor: usual._replace(empty=empty)}):
        yield
    for whole, around, size in made:
        beyond = torch.cat([whole[:around], whole[around + size :]])
        check(bool((beyond == 7.0).all()), "something was written around a new out or lse")


def canaries(case, device):
    """Nothing is written around out and lse: rows past the end of a tile are left out."""
    lengths = {"q": [1, 63, 0, 129, 257], "kv": [300, 70, 10, 650, 0]}
    forms = [
        case.but(q=[n, n], kv=[101, 101], alibi=min(case.alibi, 1)) for n in (1, 65, 127, 129, 193, 257)
    ] + [case.but(**lengths, alibi=min(case.alibi, 1), packed_q=True, packed_kv=True)]
    for form in forms:
        for layout in ("bsh", "bhs", "bsh:1,5,1,8"):
            operands = Operands(form.but(out_layout=layout), device)
            with guarded_outputs():
                lse = operands.run()
                operands.check_surroundings()
                operands.check(lse)
                operands.options["out"] = None
                operands.run()


def layouts(case, device):
    """Strides change no bit."""
    same = case.but(q=case.kv, kv=case.kv, kv_heads=case.heads, heads=case.heads, dv=case.d)
    _, expected = run(same, device)
    for layout in ("bhs", "sbh", "hsb", "bsh:0,3,0,0", "bsh:0,0,2,0", "bhs:2,9,1,24", "qkv"):
        out = "bsh" if layout == "qkv" else layout
        form = same.but(q_layout=layout, k_layout=layout, v_layout=layout, out_layout=out)
        _, found = run(form, device)
        check_same(found, expected, f"the layout {layout}")


def broadcast(case, device):
    """Keys of stride 0 give what copies of them do."""
    for layout in ("sh", "bs", "s"):
        shared = Operands(case.but(k_layout=layout, v_layout=layout), device)
        copies = Operands(case, device)
        for mine, theirs in ((shared.q, copies.q), (shared.k, copies.k), (shared.v, copies.v)):
            theirs.copy_(mine)
        for name in ("sink_logits", "alibi_slopes"):
            if shared.options[name] is not None:
                copies.options[name].copy_(shared.options[name])
        check_same(run_on(shared, device), run_on(copies, device), f"keys of the layout {layout}")


def tests(seed):
    for name, mask in MASKS.items():
        for top_left in (False, True):
            for width in WIDTHS:
                for packed in (False, True):
                    if packed and width not in (64, 128):
                        continue
                    form = "packed" if packed else "dense"
                    where = "top_left" if top_left else "bottom_right"
                    run_it = lambda device, a=(mask, top_left, width, packed): visible_set(*a, device)
                    yield Test(f"exact/visible_set/{name}/{where}/{width}/{form}", run_it)
    for function in (
        constant_values, sequences_alone, wide_windows, usual_scale, inert, margins, other_sequences, canaries,
        layouts, broadcast,
    ):  # fmt: skip
        for name, case in variants().items():
            case = case.but(seed=seed % (1 << 30) + 1)
            yield Test(f"exact/{function.__name__}/{name}", lambda device, f=function, c=case: f(c, device))
    for name, case in variants().items():
        for operand in "qkv":
            yield Test(
                f"exact/poisoned/{operand}/{name}", lambda device, o=operand, c=case: poisoned(o, c, device)
            )
    for ratio in (2, 3, 5, 7, 8, 64):
        yield Test(f"exact/shared_keys/{ratio}", lambda device, r=ratio: shared_keys(r, device))
    yield Test("exact/nothing_to_do", nothing_to_do)
