"""Appending to a cache."""

import ctypes
from typing import Any, Optional

from . import _library
from ._abi import Append
from ._arguments import is_hnd, stream_handle
from ._frame import acquire, submit

_SIZE = ctypes.sizeof(Append)
_run = _library.lib.tessera_append_run
_byref = ctypes.byref


def append(
    rows: Any,
    cache: Any,
    starts: Any,
    *,
    cu_seqlens: Any = None,
    page_table: Any = None,
    page_layout: str = "NHD",
    cos: Any = None,
    sin: Any = None,
    positions: Any = None,
    interleaved: bool = False,
    stream: Any = None,
    target: Optional[str] = None,
) -> None:
    """cache[b, starts[b] + i] = rotate(rows[b, i], positions[b] + i), in place.

    rows: [b, s, g, d], or with cu_seqlens [total, g, d].
    cache: [b, capacity, g, d], or with page_table pages, as in :func:`tessera.attention`.
    starts: int32 [b]: how many rows the cache holds already.
    cu_seqlens: int32 [b + 1]: where packed sequences begin, and the total.
    page_table: int32 [b, max_pages].
    cos, sin: float32 [positions, n]: rotary tables. Of the first 2n elements of a row, pairs
        (x0, x1) become (x0 cos - x1 sin, x1 cos + x0 sin). None: rows are copied.
    positions: int32 [b]: of row 0; None: starts.
    interleaved: pairs are elements 2i and 2i + 1, instead of i and i + n.

    stream, target: as in :func:`tessera.attention`.

    Integers and tables may also be lists, unless the cache is on a GPU. Raises a subclass of
    :class:`tessera.Error`; then nothing was written.
    """
    frame = acquire()
    try:
        call = Append(_SIZE)
        if stream is not None:
            frame.stream = stream_handle(stream)
        call.rows = frame.tensor("rows", rows)
        frame.aim(call, rows, target, stream)
        call.cache = frame.tensor("cache", cache, True)
        call.starts = frame.ints("starts", starts)
        if cu_seqlens is not None:
            call.cu_seqlens = frame.ints("cu_seqlens", cu_seqlens)
        if page_table is not None:
            call.page_table = frame.ints("page_table", page_table)
        if page_layout != "NHD":
            call.page_layout_hnd = is_hnd(page_layout)
        if cos is not None:
            call.cos = frame.floats("cos", cos)
        if sin is not None:
            call.sin = frame.floats("sin", sin)
        if positions is not None:
            call.positions = frame.ints("positions", positions)
        if interleaved:
            call.interleaved = 1
        submit(_run, _library.engine(), _byref(call))
    finally:
        frame.release()
