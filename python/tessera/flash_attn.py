"""The functions of flash-attn 2, with its arguments, over Tessera's kernels.

    from tessera.flash_attn import flash_attn_func

Arguments have flash-attn's names, order, defaults and meanings, on the arrays that
:func:`tessera.attention` takes. There are no gradients. What is not there (dropout, a left
padded cache) is refused.
"""

import array
import ctypes
import importlib
from typing import Any, List, Optional, Tuple

from ._abi import DTYPE_NAMES, DTYPE_SIZES, F32, I32
from ._append import append
from ._arguments import integer
from ._attention import attention
from ._frame import Frame, acquire
from ._memory import HOST, Memory, View, row_major
from .errors import Status, refusal, unsupported

__all__ = ["flash_attn_func", "flash_attn_varlen_func", "flash_attn_with_kvcache"]

_Window = Tuple[Optional[int], Optional[int]]


def flash_attn_func(
    q: Any,
    k: Any,
    v: Any,
    dropout_p: float = 0.0,
    softmax_scale: Optional[float] = None,
    causal: bool = False,
    window_size: _Window = (-1, -1),
    softcap: float = 0.0,
    alibi_slopes: Any = None,
    deterministic: bool = False,
    return_attn_probs: bool = False,
) -> Any:
    """q [b, sq, h, d], k and v [b, skv, g, d]. Returns out, like q; with `return_attn_probs`
    (out, lse [b, h, sq], None). `deterministic` is always so."""
    _refuse_dropout(dropout_p)
    result = attention(
        q, k, v, causal=causal, window=_window(window_size), softcap=softcap,
        alibi_slopes=alibi_slopes, scale=softmax_scale, return_lse=return_attn_probs,
    )  # fmt: skip
    return (*result, None) if return_attn_probs else result


def flash_attn_varlen_func(
    q: Any,
    k: Any,
    v: Any,
    cu_seqlens_q: Any,
    cu_seqlens_k: Any,
    max_seqlen_q: int,
    max_seqlen_k: int,
    dropout_p: float = 0.0,
    softmax_scale: Optional[float] = None,
    causal: bool = False,
    window_size: _Window = (-1, -1),
    softcap: float = 0.0,
    alibi_slopes: Any = None,
    deterministic: bool = False,
    return_attn_probs: bool = False,
    block_table: Any = None,
) -> Any:
    """q [total_q, h, d], k and v [total_k, g, d], or with block_table pages
    [pages, page_size, g, d]; cu_seqlens int32 [b + 1]. Returns out, like q; with
    `return_attn_probs` (out, lse [h, total_q], None)."""
    _refuse_dropout(dropout_p)
    frame = acquire()
    try:
        cu_seqlens_kv, seqused_kv = cu_seqlens_k, None
        if block_table is not None:  # pages have lengths, and no place in a packed tensor
            frame.read("q", q)
            ends = frame.read_table("cu_seqlens_k", cu_seqlens_k, I32)
            cu_seqlens_kv = None
            if ends[4] == HOST:
                numbers = _values("cu_seqlens_k", ends)
                seqused_kv = _table([end - begin for begin, end in zip(numbers, numbers[1:])])
            else:
                seqused_kv = cu_seqlens_k[1:] - cu_seqlens_k[:-1]
        result = attention(
            q, k, v, causal=causal, window=_window(window_size), softcap=softcap,
            alibi_slopes=alibi_slopes, scale=softmax_scale, cu_seqlens_q=cu_seqlens_q,
            cu_seqlens_kv=cu_seqlens_kv, max_seqlen_q=max_seqlen_q, max_seqlen_kv=max_seqlen_k,
            seqused_kv=seqused_kv, page_table=block_table, return_lse=return_attn_probs,
        )  # fmt: skip
    finally:
        frame.release()
    return (*result, None) if return_attn_probs else result


def flash_attn_with_kvcache(
    q: Any,
    k_cache: Any,
    v_cache: Any,
    k: Any = None,
    v: Any = None,
    rotary_cos: Any = None,
    rotary_sin: Any = None,
    cache_seqlens: Any = None,
    cache_batch_idx: Any = None,
    cache_leftpad: Any = None,
    block_table: Any = None,
    softmax_scale: Optional[float] = None,
    causal: bool = False,
    window_size: _Window = (-1, -1),
    softcap: float = 0.0,
    rotary_interleaved: bool = True,
    alibi_slopes: Any = None,
    num_splits: int = 0,
    return_softmax_lse: bool = False,
) -> Any:
    """Attention over a cache of keys and values, after appending new ones to it in place.

    q: [b, sq, h, d].
    k_cache, v_cache: [b_cache, capacity, g, d], or with block_table pages
        [pages, page_size, g, d].
    k, v: [b, s_new, g, d]: written behind the first cache_seqlens rows.
    rotary_cos, rotary_sin: [positions, rotary_dim / 2]. New keys are rotated at cache_seqlens
        and after it; queries too if causal or with a window, else all at cache_seqlens.
        Best float32: tables of other types are converted by each call.
    cache_seqlens: an integer, or int32 [b]: rows the cache holds. None: all of it.
    cache_batch_idx: int32 [b]: which row of the cache belongs to which query. None: 0, 1, ...
    block_table: int32 [b, max_pages].
    num_splits: accepted; how work is split is the target's choice.

    Returns out, like q, or with `return_softmax_lse` (out, lse [b, h, sq]). A call that is
    refused may have written new rows, but only behind cache_seqlens.
    """
    if cache_leftpad is not None:
        raise unsupported("cache_leftpad", "given", "None: caches begin at their first row")
    _refuse_lonely("k", k, "v", v)
    _refuse_lonely("rotary_cos", rotary_cos, "rotary_sin", rotary_sin)
    for name, given, needed, other in (
        ("rotary_cos", rotary_cos, "k and v", k),
        ("k", k, "cache_seqlens", cache_seqlens),
    ):
        if given is not None and other is None:
            raise refusal(Status.MISSING_TENSOR, needed, "not given", f"what {name} goes with")
    if block_table is not None and cache_batch_idx is not None:
        raise refusal(Status.INVALID_VALUE, "cache_batch_idx", "given", "None beside a block_table")
    window = _window(window_size)

    frame = acquire()  # holds what is viewed here until the end
    try:
        query = frame.read("q", q)
        _refuse_rank("q", query)
        batch = query[2][0]
        keys = _Cache(frame, "k_cache", k_cache, batch, k is not None)
        values = _Cache(frame, "v_cache", v_cache, batch, k is not None)
        pages = block_table
        if cache_batch_idx is not None:
            pages = _as_pages(frame, cache_batch_idx, min(keys.count, values.count))
        elif block_table is None:
            keys.take(batch)
            values.take(batch)

        table: Any = None
        if cache_seqlens is not None:
            table = _lengths(frame, q, cache_seqlens, batch)
        elif pages is not None:  # they are as long as their pages
            columns = frame.read_table("block_table", pages, I32)[2][-1:]
            if columns:
                table = _repeated(frame, q, "cache_seqlens", keys.rows * columns[0], batch)

        if k is not None and table is not None:
            cos = _float32(frame, "rotary_cos", rotary_cos)
            sin = _float32(frame, "rotary_sin", rotary_sin)
            append(
                k, keys.view, table, page_table=pages, cos=cos, sin=sin,
                interleaved=rotary_interleaved,
            )  # fmt: skip
            append(v, values.view, table, page_table=pages)
            if cos is not None:
                local = causal or window != (-1, -1)
                q = _rotated(frame, q, query, table, local, cos, sin, rotary_interleaved)
            table = _longer(table, frame.read("k", k)[2][1])

        return attention(
            q, keys.view, values.view, causal=causal, window=window, softcap=softcap,
            alibi_slopes=alibi_slopes, scale=softmax_scale, seqused_kv=table, page_table=pages,
            return_lse=return_softmax_lse,
        )  # fmt: skip
    finally:
        frame.release()


class _Cache:
    """A cache of keys or values: `count` entries (sequences or pages) of `rows` rows."""

    def __init__(self, frame: Frame, name: str, cache: Any, batch: int, written: bool) -> None:
        self._memory = frame.read(name, cache, written)
        _refuse_rank(name, self._memory)
        self.view = View(cache, self._memory)
        self.count, self.rows = self._memory[2][:2]

    def take(self, batch: int) -> None:
        """Only the first sequences belong to queries."""
        if self.count > batch:
            data, dtype, shape, strides, device = self._memory
            self.view = View(self.view.like, (data, dtype, (batch, *shape[1:]), strides, device))


def _as_pages(frame: Frame, indices: Any, count: int) -> View:
    """cache_batch_idx as a page table: a sequence of the cache is a page with all its rows."""
    memory = frame.read_table("cache_batch_idx", indices, I32)
    _refuse_rank("cache_batch_idx", memory, 1)
    data, dtype, (batch,), strides, device = memory
    if device == HOST:
        for i, index in enumerate(_values("cache_batch_idx", memory)):
            if not 0 <= index < count:
                subject = f"cache_batch_idx[{i}]"
                expected = f"one of the {count} sequences of the cache"
                raise refusal(Status.INVALID_PAGES, subject, f"{index}", expected)
    return View(indices, (data, dtype, (batch, 1), (strides[0] if strides else 1, 1), device))


def _rotated(
    frame: Frame,
    q: Any,
    query: Memory,
    positions: Any,
    local: bool,
    cos: Any,
    sin: Any,
    interleaved: bool,
) -> View:
    """A rotated copy of the queries."""
    data, dtype, shape, strides, device = query
    batch, seqlen, heads, width = shape
    strides = strides or row_major(shape)
    dense, size = row_major(shape), DTYPE_SIZES[dtype]
    memory: Any
    if device == HOST:
        memory = (ctypes.c_char * (batch * seqlen * heads * width * size))()
        start = ctypes.addressof(memory)
    else:
        memory, (start, *_) = frame.empty("q", q, dtype, tuple(shape))
    starts = _repeated(frame, q, "starts", 0, batch)
    # Without an order among the queries all are rotated to one position, one by one.
    parts = [(0, seqlen)] if local else [(i, 1) for i in range(seqlen)]
    for first, count in parts:
        part = (batch, count, heads, width)
        rows = View(q, (data + first * strides[1] * size, dtype, part, strides, device))
        target = View(q, (start + first * dense[1] * size, dtype, part, dense, device))
        append(rows, target, starts, cos=cos, sin=sin, positions=positions, interleaved=interleaved)
    return View(q, (start, dtype, shape, None, device), memory)


def _float32(frame: Frame, name: str, table: Any) -> Any:
    """A rotary table; flash-attn's have the type of the queries."""
    if table is None or isinstance(table, list) or frame.read(name, table)[1] == F32:
        return table
    if hasattr(table, "astype"):
        return table.astype(DTYPE_NAMES[F32])
    return table.float() if hasattr(table, "float") else table


def _lengths(frame: Frame, q: Any, cache_seqlens: Any, batch: int) -> Any:
    """An int32 array where q lies."""
    if isinstance(cache_seqlens, int):
        return _repeated(frame, q, "cache_seqlens", cache_seqlens, batch)
    if not hasattr(cache_seqlens, "__dlpack__") and hasattr(cache_seqlens, "__index__"):
        number = integer("cache_seqlens", cache_seqlens)
        return _repeated(frame, q, "cache_seqlens", number, batch)
    memory = frame.read_table("cache_seqlens", cache_seqlens, I32)
    _refuse_rank("cache_seqlens", memory, 1)
    return cache_seqlens if memory[4] != HOST else _table(_values("cache_seqlens", memory))


def _longer(lengths: Any, by: int) -> Any:
    if type(lengths) is View:
        return _table([length + by for length in _values("lengths", lengths.memory)])
    return lengths + by  # on the GPU


def _repeated(frame: Frame, q: Any, name: str, number: int, count: int) -> Any:
    """An int32 array where q lies that holds one number."""
    if frame.device == HOST:
        return _table([number] * count)
    if not hasattr(q, "new_full"):  # of torch, whose stream it is filled on
        raise refusal(
            Status.UNSUPPORTED_TARGET, name, f"{number}", "an int32 array on the GPU of q"
        )
    return q.new_full((count,), number, dtype=importlib.import_module("torch").int32)


def _values(name: str, memory: Memory) -> List[int]:
    """The numbers of an int32 array of rank 1 in the host's memory."""
    data, _, shape, strides, _ = memory
    _refuse_rank(name, memory, 1)
    count, stride = shape[0], strides[0] if strides else 1
    if stride == 1 or count == 0:
        return list((ctypes.c_int32 * count).from_address(data)) if count else []
    at = ctypes.c_int32.from_address
    return [at(data + 4 * stride * i).value for i in range(count)]


def _table(numbers: List[int]) -> View:
    """An int32 array."""
    try:
        table = array.array("i", numbers)
    except OverflowError:
        expected = "numbers of 32 bits"
        raise refusal(Status.INVALID_LENGTHS, "lengths", f"{max(numbers)}", expected) from None
    return View(None, (table.buffer_info()[0], I32, (len(numbers),), None, HOST), table)


def _window(window_size: Any) -> Any:
    """-1 and every other negative number is no limit."""
    if window_size == (-1, -1):
        return window_size
    try:
        left, right = window_size
        return tuple(-1 if n is None or n < 0 else n for n in (left, right))
    except (TypeError, ValueError):
        return window_size  # attention says what is wrong with it


def _refuse_dropout(dropout_p: float) -> None:
    if dropout_p:
        raise unsupported("dropout_p", f"{dropout_p}", "0: there is no dropout")


def _refuse_lonely(name: str, one: Any, other_name: str, other: Any) -> None:
    if (one is None) != (other is None):
        missing, given = (name, other_name) if one is None else (other_name, name)
        raise refusal(Status.MISSING_TENSOR, missing, "not given", f"an array beside {given}")


def _refuse_rank(name: str, memory: Memory, rank: int = 4) -> None:
    if len(memory[2]) != rank:
        raise refusal(Status.INVALID_RANK, f"{name}.rank", f"{len(memory[2])}", f"{rank}")
