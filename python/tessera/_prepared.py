"""A call of attention that is checked and laid out once, and launched again and again."""

import ctypes
import os
import weakref
from typing import Any, Callable, List, Optional

from . import _library
from ._arguments import stream_handle
from ._attention import all_options, describe
from ._frame import acquire, framework_of, origin, submit
from ._memory import HOST
from .errors import Status, refusal

_launch = _library.lib.tessera_launch
_byref = ctypes.byref


class Prepared:
    """What :func:`prepare` makes. Keeps the call's tensors alive, and may be launched from
    several threads.

    out: what launches write
    lse: as asked for with `return_lse`, else None
    """

    __slots__ = ("out", "lse", "_call", "_engine", "_device", "_stream", "_current", "__weakref__")

    def __init__(self, q: Any, k: Any, v: Any, options: Any) -> None:
        options = all_options(options)
        given = options["stream"]
        self._stream: Optional[int] = None if given is None else stream_handle(given)
        self._engine = _library.engine()
        frame = acquire()
        try:
            call, self.out, self.lse = describe(frame, q, k, v, **options)
            self._device = frame.device
            self._current = framework_of("q", origin(q)).stream
            prepared = ctypes.c_void_p()
            function = _library.lib.tessera_attention_prepare
            submit(function, self._engine, _byref(call), _byref(prepared))
            held, kept = frame.keep()
            kept += (q, k, v, self.out, self.lse, *options.values())
        finally:
            frame.release()
        self._call = prepared
        weakref.finalize(self, _destroy, prepared, held, kept, os.getpid())

    def launch(self, stream: Any = None) -> None:
        """Computes the call from the tensors' present contents.

        stream: of a GPU, as in :func:`tessera.attention`; None: the one that was given to
            :func:`prepare`, else the one that is current now.

        On a GPU the work is on the stream when this returns; may be captured into a graph.
        """
        if _library.engine() is not self._engine:
            expected = "one prepared in this process, after the fork"
            raise refusal(Status.INVALID_VALUE, "prepared", "of the parent process", expected)
        if stream is not None:
            handle: Optional[int] = stream_handle(stream)
        elif self._stream is not None or self._device == HOST:
            handle = self._stream
        else:
            handle = self._current(self._device or 0)
        submit(_launch, self._call, handle)


def prepare(q: Any, k: Any, v: Any, **options: Any) -> Prepared:
    """Checks and lays out a call of attention, of which each launch then costs little.

        prepared = tessera.prepare(q, k, v, causal=True)
        prepared.launch()  # writes prepared.out

    Takes the arguments of :func:`tessera.attention`, and refuses what it refuses. Launches read
    what the tensors hold by then, but on the CPU the lengths (``cu_seqlens_q``, ``seqused_kv``,
    ``page_table``) are those of now; on a GPU all are read by each launch, and ``max_seqlen_q``
    is the longest that ``cu_seqlens_q`` may come to hold. Lists stay what they are now.
    """
    return Prepared(q, k, v, options)


def _destroy(
    prepared: ctypes.c_void_p, held: List[Callable[[], None]], kept: List[Any], process: int
) -> None:
    if os.getpid() == process:  # after a fork its engine is the parent's
        _library.lib.tessera_prepared_destroy(prepared)
    for release in held:
        release()
    kept.clear()
