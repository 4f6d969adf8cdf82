"""One call of attention."""

import ctypes
import json
import numbers
from typing import Any, Dict, Mapping, Optional, Tuple

from . import _library
from ._abi import BF16, E4M3, F32, Attention, VariantArgument
from ._arguments import integer, is_hnd, real, stream_handle, text, wrong_choice
from ._frame import Frame, acquire, submit
from ._memory import HOST
from .errors import Status, refusal

_SIZE = ctypes.sizeof(Attention)
_run = _library.lib.tessera_attention_run
_byref = ctypes.byref


def attention(
    q: Any,
    k: Any,
    v: Any,
    *,
    causal: bool = False,
    causal_align: str = "bottom_right",
    window: Tuple[Optional[int], Optional[int]] = (-1, -1),
    sink_tokens: int = 0,
    sink_logits: Any = None,
    alibi_slopes: Any = None,
    softcap: float = 0.0,
    scale: Optional[float] = None,
    cu_seqlens_q: Any = None,
    cu_seqlens_kv: Any = None,
    max_seqlen_q: Optional[int] = None,
    max_seqlen_kv: Optional[int] = None,
    seqused_kv: Any = None,
    page_table: Any = None,
    page_layout: str = "NHD",
    q_descale: Any = None,
    k_descale: Any = None,
    v_descale: Any = None,
    variant: int = 0,
    variant_arguments: Optional[Mapping[str, Any]] = None,
    out: Any = None,
    return_lse: bool = False,
    stream: Any = None,
    target: Optional[str] = None,
) -> Any:
    """softmax(scale * q k^T + bias, where visible) v.

    Sizes: b batch, h heads, g kv_heads (divides h), d head_dim, e head_dim_v; d and e are
    multiples of 8 from 8 to 512.

    Arrays are numpy arrays, torch tensors or objects with ``__dlpack__``, all on the CPU or all
    on one GPU, where the call runs; nothing is copied. q, k, v may have any strides as long as
    the last dimension is contiguous. On the CPU the others also may be lists; arrays must have
    the type that is named here.

    q: [b, sq, h, d], or with cu_seqlens_q [total_q, h, d]. float32, float16, bfloat16,
        float8_e4m3fn or float8_e5m2.
    k, v: [b, skv, g, d] and [b, skv, g, e]; with cu_seqlens_kv [total_kv, g, ...]; with
        page_table pages. Types as of q, and each may have its own.
    causal: a query sees no later key. Query i stands at key position i + skv - sq, or at i
        with causal_align="top_left" (which also moves windows and ALiBi).
    window: how many keys before and after its position a query sees, besides the one at it;
        -1 or None: all.
    sink_tokens: the first n keys are seen besides the window.
    sink_logits: float32 [h], natural logarithm: a term in the softmax sum without a value.
    alibi_slopes: float32 [h] or [b, h]: score - slope * |query position - key position|.
    softcap: c > 0: scores become c * tanh(score / c).
    scale: factor of q k^T; 1 / sqrt(d) if None.
    cu_seqlens_q, cu_seqlens_kv: int32 [b + 1]: where packed sequences begin, and the total.
    max_seqlen_q, max_seqlen_kv: the longest, if known; else read from the lengths. Memory of a
        GPU is not read: there, max_seqlen_q is needed with cu_seqlens_q.
    seqused_kv: int32 [b]: only the first n keys of each sequence are used.
    page_table: int32 [b, max_pages], with seqused_kv: row r of sequence i lies in row
        r % page_size of page page_table[i][r // page_size]. Entries past a length are not read.
    page_layout: "NHD": pages are [pages, page_size, g, d]; "HND": [pages, g, page_size, d].
    q_descale, k_descale, v_descale: factors of float8 operands: a number, or float32 [b, g].
    variant: the fingerprint of score and mask functions of one's own, which a library of C++
        has registered in this process; 0: none.
    variant_arguments: what they ask for, by name: float32 and int32 arrays are tables, integers
        indices, other numbers scalars.
    out: where to write, [b, sq, h, e] or [total_q, h, e], float32, float16 or bfloat16.
        If None, a new array of q's kind and type (bfloat16 if q is float8).
    return_lse: also return the logarithm of the softmax sum: natural, float32, [b, h, sq] or
        [h, total_q].
    stream: of a GPU: an address (0: the default stream) or an object with ``cuda_stream``.
        None: torch's current stream if q is a torch tensor, else the default stream.
    target: "host" or "cuda"; None: what the tensors are on.

    Returns out, or (out, lse); on a GPU once the work is on the stream, without waiting for it.
    A row that sees no key is zero and its lse -inf, or the sink.
    Raises a subclass of :class:`tessera.Error`; then nothing was written.
    """
    frame = acquire()
    try:
        call, out, lse = describe(
            frame, q, k, v, causal, causal_align, window, sink_tokens, sink_logits, alibi_slopes,
            softcap, scale, cu_seqlens_q, cu_seqlens_kv, max_seqlen_q, max_seqlen_kv, seqused_kv,
            page_table, page_layout, q_descale, k_descale, v_descale, variant, variant_arguments,
            out, return_lse, stream, target,
        )  # fmt: skip
        submit(_run, _library.engine(), _byref(call))
    finally:
        frame.release()
    return (out, lse) if return_lse else out


def explain(q: Any, k: Any, v: Any, **options: Any) -> Dict[str, Any]:
    """What the kernel of a call does: ``key``, ``target``, ``block_m`` and ``block_n`` (its tile
    sizes), ``sequences``, ``arguments``, and ``tiles``: how many tiles of keys are skipped,
    masked and full in a head.

    Takes the arguments of :func:`attention`, and refuses what it refuses. Computes nothing.
    """
    frame = acquire()
    try:
        call, out, lse = describe(frame, q, k, v, **all_options(options))
        told = ctypes.c_void_p()
        function = _library.lib.tessera_attention_explain
        submit(function, _library.engine(), _byref(call), _byref(told))
        answer: Dict[str, Any] = json.loads(_library.take_text(told))
        return answer
    finally:
        frame.release()


def all_options(given: Dict[str, Any]) -> Dict[str, Any]:
    """The options of :func:`attention`, where not given as they are there."""
    return {**(attention.__kwdefaults__ or {}), **given}


def describe(
    frame: Frame,
    q: Any,
    k: Any,
    v: Any,
    causal: bool,
    causal_align: str,
    window: Tuple[Optional[int], Optional[int]],
    sink_tokens: int,
    sink_logits: Any,
    alibi_slopes: Any,
    softcap: float,
    scale: Optional[float],
    cu_seqlens_q: Any,
    cu_seqlens_kv: Any,
    max_seqlen_q: Optional[int],
    max_seqlen_kv: Optional[int],
    seqused_kv: Any,
    page_table: Any,
    page_layout: str,
    q_descale: Any,
    k_descale: Any,
    v_descale: Any,
    variant: int,
    variant_arguments: Optional[Mapping[str, Any]],
    out: Any,
    return_lse: bool,
    stream: Any,
    target: Optional[str],
) -> Tuple[Attention, Any, Any]:
    """The C struct of a call, out and lse. Fields that are not set are zero: not given."""
    call = Attention(_SIZE)
    if stream is not None:
        frame.stream = stream_handle(stream)
    q_memory = frame.read("q", q)
    frame.aim(call, q, target, stream)
    if frame.device != HOST:
        call.has_device = 1
        call.device = frame.device
    call.q = frame.place("q", q_memory)
    call.k = frame.tensor("k", k)
    v_memory = frame.read("v", v)
    call.v = frame.place("v", v_memory)
    if out is None:
        dtype = q_memory[1] if q_memory[1] < E4M3 else BF16
        shape, shape_v = q_memory[2], v_memory[2]  # most often the same, and none is made
        if not (shape and shape_v and shape[-1] == shape_v[-1]):
            shape = (*shape[:-1], *shape_v[-1:])
        out, memory = frame.empty("out", q, dtype, shape)
        call.out = frame.place("out", memory)
    else:
        call.out = frame.tensor("out", out, True)
    lse = None
    if return_lse:
        dims = q_memory[2]
        shape = (*dims[:-3], *dims[-2:-1], *dims[-3:-2])
        lse, memory = frame.empty("lse", q, F32, shape)
        call.lse = frame.place("lse", memory)

    if causal:
        call.causal = 1
    if causal_align != "bottom_right":
        if causal_align != "top_left":
            raise wrong_choice("causal_align", causal_align, "bottom_right", "top_left")
        call.top_left = 1
    if window != (-1, -1):
        _set_window(call, window)
    if sink_tokens:
        call.sink_tokens = integer("sink_tokens", sink_tokens)
    if sink_logits is not None:
        call.sink_logits = frame.floats("sink_logits", sink_logits)
    if alibi_slopes is not None:
        call.alibi_slopes = frame.floats("alibi_slopes", alibi_slopes)
    if softcap:
        call.softcap = real("softcap", softcap)
    if scale is not None:
        call.has_scale = 1
        call.scale = real("scale", scale)

    if cu_seqlens_q is not None:
        call.cu_seqlens_q = frame.ints("cu_seqlens_q", cu_seqlens_q)
    if cu_seqlens_kv is not None:
        call.cu_seqlens_kv = frame.ints("cu_seqlens_kv", cu_seqlens_kv)
    if max_seqlen_q is not None:
        call.max_seqlen_q = integer("max_seqlen_q", max_seqlen_q)
    if max_seqlen_kv is not None:
        call.max_seqlen_kv = integer("max_seqlen_kv", max_seqlen_kv)
    if seqused_kv is not None:
        call.seqused_kv = frame.ints("seqused_kv", seqused_kv)
    if page_table is not None:
        call.page_table = frame.ints("page_table", page_table)
    if page_layout != "NHD":
        call.page_layout_hnd = is_hnd(page_layout)

    if q_descale is not None:
        call.q_descale = frame.floats("q_descale", q_descale)
    if k_descale is not None:
        call.k_descale = frame.floats("k_descale", k_descale)
    if v_descale is not None:
        call.v_descale = frame.floats("v_descale", v_descale)

    if variant:
        call.variant = integer("variant", variant)
    if variant_arguments:
        _set_variant_arguments(frame, call, variant_arguments)
    return call, out, lse


def _set_variant_arguments(frame: Frame, call: Attention, given: Mapping[str, Any]) -> None:
    arguments = (VariantArgument * len(given))()
    for argument, (name, value) in zip(arguments, given.items()):
        argument.size = ctypes.sizeof(VariantArgument)
        argument.name = text("the name of a variant's argument", name)
        if isinstance(value, numbers.Integral):
            argument.is_index = 1
            argument.index = integer(name, value)
        elif isinstance(value, numbers.Real):
            argument.scalar = real(name, value)
        else:
            argument.tensor = frame.tensor(name, value)
    frame.kept.append(arguments)
    call.variant_arguments_count = len(given)
    call.variant_arguments = ctypes.addressof(arguments)


def _set_window(call: Attention, window: Any) -> None:
    try:
        left, right = window
    except (TypeError, ValueError):
        raise refusal(
            Status.INVALID_VALUE, "window", f"{window!r}", "a pair: keys before, keys after"
        ) from None  # fmt: skip
    if left is not None and left != -1:
        call.has_window_left = 1
        call.window_left = integer("window[0]", left)
    if right is not None and right != -1:
        call.has_window_right = 1
        call.window_right = integer("window[1]", right)
