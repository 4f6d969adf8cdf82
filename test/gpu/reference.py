"""Attention in float64, as short as it can be, of numpy arrays or torch tensors; and what may
differ from it.

Uses nothing of the package, so that nothing of it can be wrong twice.
"""

import math
import sys
from typing import Any, NamedTuple

CHUNK = 1 << 25  # scores that are in memory at a time
# `tanh.approx` of a GPU errs by less, as a share of the cap.
TANH_ERROR = 2**-10.9
# How far a running maximum may lag behind before it moves.
LAG = 8 * math.log(2)


class Result(NamedTuple):
    """out [sq, h, e], lse [h, sq], and how many keys each query sees, [sq]."""

    out: Any
    lse: Any
    seen: Any


class Rounding(NamedTuple):
    """What a computation in narrow types rounds, as functions of float64 arrays."""

    scores: Any
    weights: Any
    out: Any


def namespace(x):
    """numpy or torch, with where its arrays are made."""
    xp = sys.modules[type(x).__module__.split(".")[0]]
    return xp, ({"device": x.device} if xp.__name__ == "torch" else {})


def positions(like, sq, skv, top_left=False):
    """Where queries stand among the keys, [sq, 1], and where keys do, [1, skv]."""
    xp, place = namespace(like)
    row = xp.arange(sq, **place) + (0 if top_left else skv - sq)
    return row[:, None], xp.arange(skv, **place)[None, :]


def visible(row, col, causal=False, window=(-1, -1), sink_tokens=0):
    """Which keys a query sees: [sq, skv]."""
    far = 1 << 40
    left, right = (far if n is None or n < 0 else min(n, far) for n in window)
    keep = ((col >= row - left) & (col <= row + right)) | (col < sink_tokens)
    return keep & (col <= row) if causal else keep


def attention(q, k, v, *, causal=False, top_left=False, window=(-1, -1), sink_tokens=0,
              sink_logits=None, alibi_slopes=None, softcap=0.0, scale=None, rounding=None):  # fmt: skip
    """One sequence: q [sq, h, d], k [skv, g, d], v [skv, g, e]; sinks and slopes [h].

    With `rounding`, the same with scores, weights and the result in narrow types.
    """
    xp, place = namespace(q)
    double = lambda x: xp.asarray(x, dtype=xp.float64, **place)
    (sq, h, d), (skv, g, e) = q.shape, v.shape
    scale = d**-0.5 if scale is None else scale
    heads = xp.arange(h, **place) // (h // g)
    k, v = (double(x).swapaxes(0, 1)[heads] for x in (k, v))  # [h, skv, ...]
    row, col = positions(q, sq, skv, top_left)
    none = -float("inf")
    sink = xp.full((h,), none, dtype=xp.float64, **place) if sink_logits is None else double(sink_logits)
    outs, lses, seen = [], [], []
    step = max(1, CHUNK // max(1, h * skv))
    for begin in range(0, max(sq, 1), step):
        rows = slice(begin, min(begin + step, sq))
        keep = visible(row[rows], col, causal, window, sink_tokens)
        x = double(q[rows]).swapaxes(0, 1) @ k.swapaxes(1, 2) * scale
        if rounding:
            x = rounding.scores(x)
        if softcap:
            t = xp.tanh(x / softcap)
            # An error of 2^-11 of the cap, like that of the hardware's tanh.
            x = softcap * (xp.round(t * 2**10) / 2**10 if rounding else t)
        if alibi_slopes is not None:
            x = x - double(alibi_slopes)[:, None, None] * abs(row[rows] - col)
        x = xp.where(keep, x, none)
        # The sink is one more key, whose value is zero.
        x = xp.concatenate([x, xp.broadcast_to(sink[:, None, None], (*x.shape[:2], 1))], axis=-1)
        m = xp.amax(x, axis=-1, keepdims=True)
        m = xp.where(m == none, 0.0, m)
        p = xp.exp(x - m)
        total = xp.sum(p, axis=-1, keepdims=True)
        empty = total == 0
        total = xp.where(empty, 1.0, total)
        lses.append(xp.where(empty, none, xp.log(total) + m)[..., 0])
        p = p[..., :-1]
        if rounding:
            # A running maximum begins at the sink, and weights are rounded as they are below that.
            lag = m - sink[:, None, None]
            below = xp.exp(xp.where((lag > 0) & (lag <= LAG), lag, 0.0))
            p = rounding.weights(p * below) / below
        out = (p @ v / total).swapaxes(0, 1)
        outs.append(rounding.out(out) if rounding else out)
        seen.append(xp.sum(keep, axis=1))
    return Result(xp.concatenate(outs), xp.concatenate(lses, axis=1), xp.concatenate(seen))


class Judge:
    """Holds results against the reference, sequence by sequence; `verdict` tells what is wrong.

    The largest error may be twice, the mean error 1.5 times that of rounding scores, weights and
    the result to their types. Few elements can be rounded well by chance: epsilon, one step of
    the coarsest of these types, times the largest output is granted to the largest error, and to
    the mean as much of the mean output, which falls with the root of the number of elements.

    epsilons: of the inputs and the output, the distance from one to the next number
    softcap, bias_error: the cap, and what the largest score that ALiBi makes is granted
    """

    def __init__(self, epsilons, softcap=0.0, bias_error=0.0):
        # In f32 the scores carry the error, and one of size s moves its weight by s epsilon.
        self.epsilon = max(2**-18, *epsilons)
        self.softcap, self.bias_error = softcap, bias_error
        self.wrong = []
        self.sums = []  # of sequences: most and total of errors, of rounding's, of the output

    def add(self, where, out, lse, exact, rounded):
        """out [sq, h, e] and lse [h, sq] (or None) of one sequence."""
        xp, place = namespace(exact.out)
        out = xp.asarray(out, dtype=xp.float64, **place)
        if not out.shape[0] or not out.shape[1]:
            return
        finite = xp.isfinite(out)
        if not bool(finite.all()):
            at = [int(x[0]) for x in xp.where(~finite)]
            count = int((~finite).sum())
            self.wrong.append(f"{where}: {count} elements of out are not finite, the first at {at}")
            return
        # A row that sees no key.
        zeros = out[exact.seen == 0]
        if not bool(((zeros == 0) & ~xp.signbit(zeros)).all()):
            self.wrong.append(f"{where}: a row that sees no key is not +0")
        values = []
        for x in (out - exact.out, rounded.out - exact.out, exact.out):
            values += [abs(x).max(), abs(x).sum()]
        self.sums.append([float(x) for x in values] + [int((exact.out != 0).sum())])
        if lse is not None:
            self._lse(where, xp, xp.asarray(lse, dtype=xp.float64, **place), exact.lse)

    def _lse(self, where, xp, lse, exact):
        far = xp.isinf(exact)
        granted = 2e-5 * (1 + xp.where(far, 0.0, abs(exact)))
        granted = granted + self.softcap * TANH_ERROR + self.bias_error
        fine = xp.where(far, lse == exact, abs(lse - xp.where(far, 0.0, exact)) <= granted)
        if not bool(fine.all()):
            head, row = (int(x[0]) for x in xp.where(~fine))
            self.wrong.append(
                f"{where}: {int((~fine).sum())} of lse differ, the first at [{head}, {row}]: "
                f"found {float(lse[head, row]):.7g}, expected {float(exact[head, row]):.7g}"
            )

    def verdict(self):
        """What is wrong, or the empty text."""
        if self.sums and not self.wrong:
            columns = list(zip(*self.sums))
            most, usual_most, largest = (max(columns[i]) for i in (0, 2, 4))
            count = max(1, sum(columns[6]))
            mean, usual_mean, average = (sum(columns[i]) / count for i in (1, 3, 5))
            bound = 2 * usual_most + (self.epsilon + self.bias_error) * largest + 1e-30
            luck = min(1.0, 4 / count**0.5) * self.epsilon + 2**-21 + 2 * self.bias_error
            mean_bound = 1.5 * usual_mean + luck * average + 1e-30
            for name, error, granted, usual in (
                ("largest", most, bound, usual_most),
                ("mean", mean, mean_bound, usual_mean),
            ):
                if error > granted:
                    self.wrong.append(
                        f"the {name} error is {error:.3g}, at most {granted:.3g} (of rounding: {usual:.3g})"
                    )
        return "; ".join(self.wrong)
