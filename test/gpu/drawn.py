"""Calls drawn from a seed: any features, widths, types, lengths and layouts."""

import random

from case import Case, Operands, check_same
from suite import Test

MOST_SCORES = 3e7  # heads * seqlen_q * seqlen_kv, over sequences
EDGES = [1, 2, 7, 8, 63, 64, 65, 79, 80, 81, 95, 96, 97, 127, 128, 129, 191, 192, 193, 255, 256, 257]


class Draw:
    """The same draws for the same seed, on every machine."""

    def __init__(self, *seed):
        self.random = random.Random("/".join(map(str, seed)))

    def chance(self, percent):
        return self.random.randrange(100) < percent

    def of(self, *choices):
        return self.random.choice(choices)

    def between(self, first, last):
        return self.random.randint(first, last)


def draw_width(draw):
    if draw.chance(60):
        return draw.of(64, 64, 128, 128, 96, 192, 256)
    return 8 * draw.between(1, 32)


def draw_length(draw):
    if draw.chance(6):
        return 0
    if draw.chance(25):
        return draw.of(*EDGES)
    return draw.between(1, draw.of(16, 150, 400, 700))


def draw_lengths(draw, batch, differ):
    same = draw_length(draw)
    return [draw_length(draw) if differ else same for _ in range(batch)]


def draw_layout(draw):
    order = draw.of("bsh", "bsh", "bhs", "sbh", "hsb")
    if draw.chance(60):
        return order
    return f"{order}:{draw.between(0, 1)},{draw.between(0, 9)},{draw.between(0, 2)},{draw.of(0, 8, 16, 40)}"


def draw_mask(case, draw):
    case.causal = draw.chance(50)
    case.top_left = draw.chance(20)
    size = lambda: draw.between(0, draw.of(10, 100, 400))
    if draw.chance(25):
        case.left = size()
    if draw.chance(15):
        case.right = size()
    if (case.left >= 0 or case.right >= 0) and draw.chance(40):
        case.sink_tokens = draw.of(1, 4, 33, 64, 70, 500)


def draw_biases(case, draw):
    case.sink_logits = draw.chance(20)
    case.alibi = draw.of(1, 2) if draw.chance(18) else 0
    case.softcap = draw.of(0.5, 2.0, 15.0, 50.0) if draw.chance(15) else 0.0
    if draw.chance(35):
        share = draw.of(0.5, 1.0, 2.0, -1.0, -0.3, 0.0)
        case.scale = share / case.d**0.5


def shorten(case):
    while case.scores() > MOST_SCORES:
        case.q[:] = [n - n // 8 - (n > 1) for n in case.q]
        case.kv[:] = [n - n // 8 - (n > 1) for n in case.kv]


def draw_case(seed, index):
    draw = Draw(seed, index)
    case = Case([], [], seed=draw.between(1, 1 << 30))
    form = draw.of("dense", "dense", "dense", "packed", "packed", "packed", "packed q", "packed kv")
    case.packed_q = form in ("packed", "packed q")
    case.packed_kv = form in ("packed", "packed kv")
    if draw.chance(25):
        case.spare = draw.of(0, 1, 5, 100)
    batch = draw.between(1, 4)
    case.q = draw_lengths(draw, batch, case.packed_q)
    case.kv = draw_lengths(draw, batch, case.packed_kv or case.spare >= 0)
    if draw.chance(30):  # often as many keys as queries
        case.kv = case.q if case.packed_kv or case.spare >= 0 else [case.q[0]] * batch
        case.kv = list(case.kv) if case.packed_q == case.packed_kv else [max(case.kv)] * batch
    if draw.chance(5):
        long = draw.between(2000, 4096)
        case.q, case.kv = [draw.of(1, 129, long)], [long]
    case.kv_heads = draw.of(1, 1, 2, 2, 3, 4)
    case.heads = case.kv_heads * draw.of(1, 1, 1, 2, 3, 5, 7, 8)
    case.d = draw_width(draw)
    case.dv = case.d if draw.chance(75) else draw_width(draw)
    case.dtype = draw.of("bf16", "f16")
    if draw.chance(3):
        case.v_dtype = draw.of("bf16", "f16")
    if draw.chance(25):
        case.out_dtype = draw.of("f32", "f16", "bf16")
    draw_mask(case, draw)
    draw_biases(case, draw)
    case.lse = draw.chance(75)
    if case.packed_q or case.packed_kv:
        case.outer = draw.of(0, 0, 1, 70)
        case.slack = draw.of(0, 0, 5, 200) if case.packed_q else 0
    for name in ("q_layout", "k_layout", "v_layout", "out_layout"):
        setattr(case, name, draw_layout(draw))
    shorten(case)
    same = case.q == case.kv and case.spare < 0 and case.packed_q == case.packed_kv
    if same and case.d == case.dv and not case.v_dtype and draw.chance(60):
        case.q_layout = case.k_layout = case.v_layout = "qkv"
    return case


def draw_broadcast(seed, index):
    """Keys and values that are the same for all heads or batches, in memory once."""
    draw = Draw(seed, "broadcast", index)
    case = draw_case(seed, f"broadcast {index}")
    if case.q_layout == "qkv":
        case.q_layout = "bsh"
    case.kv_heads = draw.of(1, 2, 3)
    case.heads = case.kv_heads * draw.of(1, 2, 3)
    shared = ["sb", "bs"] if case.packed_kv else ["sb", "bs", "sh", "hs", "s"]
    case.k_layout, case.v_layout = draw.of(*shared), draw.of(*shared)
    # What is in memory once has one length.
    if not case.packed_kv:
        case.spare = -1
        case.kv = [max(case.kv)] * case.batch
    shorten(case)
    return case


def run_case(case, device):
    operands = Operands(case, device)
    lse = operands.run()
    operands.check(lse)
    operands.check_surroundings()
    if case.seed % 4 == 0:  # a call does what a prepared launch does
        before = operands.results(lse)
        operands.out_memory.all.copy_(operands.out_before)
        lse = operands.call()
        check_same(operands.results(lse), before, "a call, after a prepared launch")


def test_of(name, case):
    return Test(name, lambda device: run_case(case, device), again=case.again)


def tests(seed, cases):
    for i in range(cases):
        yield test_of(f"drawn/{i}", draw_case(seed, i))
    for i in range(cases // 16):
        yield test_of(f"broadcast/{i}", draw_broadcast(seed, i))
