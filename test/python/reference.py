"""Attention in float64, as short as it can be, and memory layouts for tests.

Uses nothing of the package, so that nothing of it can be wrong twice.
"""

import numpy as np


def position(i, seqlen_q, seqlen_kv, causal_align="bottom_right"):
    """Where query i stands among the keys."""
    return i if causal_align == "top_left" else i + seqlen_kv - seqlen_q


def sequence(q, k, v, *, causal=False, causal_align="bottom_right", window=(-1, -1), sink_tokens=0,
             sink_logits=None, alibi_slopes=None, softcap=0.0, scale=None, q_descale=1.0,
             k_descale=1.0, v_descale=1.0):  # fmt: skip
    """One sequence: q [sq, h, d], k [skv, g, d], v [skv, g, e]; slopes [h], descales numbers or
    [g]. Returns out [sq, h, e] and lse [h, sq]."""
    q, k, v = (np.asarray(x, np.float64) for x in (q, k, v))
    (sq, h, d), (skv, g, e) = q.shape, v.shape
    scale = 1 / np.sqrt(d) if scale is None else scale
    row = position(np.arange(sq), sq, skv, causal_align)[:, None]
    col = np.arange(skv)[None, :]
    left, right = (np.inf if n is None or n == -1 else n for n in window)
    keep = ((col >= row - left) & (col <= row + right)) | (col < sink_tokens)
    if causal:
        keep &= col <= row
    out, lse = np.zeros((sq, h, e)), np.full((h, sq), -np.inf)
    per_head = lambda x, head: np.broadcast_to(np.asarray(x, np.float64), (g,))[head]
    for head in range(h):
        kv = head // (h // g)
        factor = scale * per_head(q_descale, kv) * per_head(k_descale, kv)
        x = q[:, head] @ k[:, kv].T * factor
        if softcap:
            x = softcap * np.tanh(x / softcap)
        if alibi_slopes is not None:
            x = x - np.float64(alibi_slopes[head]) * abs(row - col)
        x = np.where(keep, x, -np.inf)
        sink = -np.inf if sink_logits is None else np.float64(sink_logits[head])
        m = np.maximum(x.max(axis=1, initial=-np.inf), sink)
        m = np.where(np.isinf(m), 0, m)
        p = np.exp(x - m[:, None])
        total = p.sum(axis=1) + np.exp(sink - m)
        with np.errstate(divide="ignore"):
            lse[head] = np.log(total) + m
        weights = p / np.where(total > 0, total, 1)[:, None]
        out[:, head] = weights @ v[:, kv] * per_head(v_descale, kv)
    return out, lse


def batch(q, k, v, *, alibi_slopes=None, seqused_kv=None, q_descale=1.0, k_descale=1.0,
          v_descale=1.0, **options):  # fmt: skip
    """Sequences, one by one: q, k, v are [b, s, ...] or lists of [s, ...]. Returns lists of out
    and lse."""
    outs, lses = [], []
    for i in range(len(q)):
        used = len(k[i]) if seqused_kv is None else seqused_kv[i]
        slopes = alibi_slopes if np.ndim(alibi_slopes) < 2 else alibi_slopes[i]
        of = lambda x: x[i] if np.ndim(x) == 2 else x
        out, lse = sequence(
            q[i], k[i][:used], v[i][:used], alibi_slopes=slopes, q_descale=of(q_descale),
            k_descale=of(k_descale), v_descale=of(v_descale), **options,
        )  # fmt: skip
        outs.append(out)
        lses.append(lse)
    return outs, lses


def rotate(rows, cos, sin, positions, interleaved):
    """rows [s, g, d] turned at `positions` [s]; cos and sin [positions, n]."""
    rows = np.array(rows, np.float64)
    n = cos.shape[1]
    first = slice(0, 2 * n, 2) if interleaved else slice(0, n)
    second = slice(1, 2 * n, 2) if interleaved else slice(n, 2 * n)
    c, s = (np.asarray(t, np.float64)[positions][:, None, :] for t in (cos, sin))
    x, y = rows[..., first].copy(), rows[..., second].copy()
    rows[..., first] = x * c - y * s
    rows[..., second] = y * c + x * s
    return rows


def packed(sequences):
    """Sequences one behind the other, and cu_seqlens."""
    cu = np.cumsum([0] + [len(s) for s in sequences]).astype(np.int32)
    return np.concatenate(sequences), cu


def paged(sequences, page_size, layout="NHD", seed=0, garbage=np.nan):
    """Sequences in pages in a random order: pages, page_table, seqused. What no sequence owns
    is garbage, and so are the entries of the table past a length."""
    rng = np.random.default_rng(seed)
    counts = [-(-len(s) // page_size) for s in sequences]
    total, columns = sum(counts) + 2, max(counts) + 1
    numbers = rng.permutation(total)
    pages = np.full((total, page_size) + sequences[0].shape[1:], garbage, sequences[0].dtype)
    table = np.full((len(sequences), columns), -7, np.int32)
    for i, rows in enumerate(sequences):
        for j in range(counts[i]):
            number, numbers = numbers[0], numbers[1:]
            part = rows[j * page_size : (j + 1) * page_size]
            pages[number, : len(part)] = part
            table[i, j] = number
    if layout == "HND":
        pages = np.ascontiguousarray(pages.transpose(0, 2, 1, 3))
    return pages, table, np.array([len(s) for s in sequences], np.int32)


# ---- Types that numpy lacks: bits in uint16 and uint8 ----


def to_bf16(x):
    """Bits of the nearest bfloat16, ties to even."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def from_bf16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _fp8_values(exponent_bits, mantissa_bits, bias):
    """The values of codes 0..127, which are never negative."""
    codes = np.arange(128)
    exponent, mantissa = codes >> mantissa_bits, codes & ((1 << mantissa_bits) - 1)
    fraction = mantissa / (1 << mantissa_bits)
    normal = (1 + fraction) * 2.0 ** (exponent - bias)
    return np.where(exponent == 0, fraction * 2.0 ** (1 - bias), normal)


_FP8 = {"float8_e4m3fn": _fp8_values(4, 3, 7)[:127], "float8_e5m2": _fp8_values(5, 2, 15)[:124]}


def to_fp8(x, name):
    """Bits of the nearest value (ties either way), infinities and NaN left out."""
    values = _FP8[name]
    nearest = np.abs(np.abs(np.asarray(x))[..., None] - values).argmin(-1)
    return (nearest | np.where(np.asarray(x) < 0, 128, 0)).astype(np.uint8)


def from_fp8(bits, name):
    values = np.append(_FP8[name], np.full(128 - len(_FP8[name]), np.nan))
    return np.where(bits & 128, -1, 1) * values[bits & 127]
