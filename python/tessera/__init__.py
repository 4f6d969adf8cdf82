"""Attention kernels, compiled for the call that asks for them.

    out = tessera.attention(q, k, v, causal=True)

on numpy arrays, torch tensors and anything with ``__dlpack__``, on the CPU or a GPU, without
copies.
"""

from . import _library, errors, flash_attn
from ._append import append
from ._attention import attention, explain
from ._prepared import Prepared, prepare
from ._questions import check, compile, supports
from .errors import Error, Status

version: str = _library.version()
"""Of the library."""

__all__ = [
    "Error",
    "Prepared",
    "Status",
    "append",
    "attention",
    "check",
    "compile",
    "errors",
    "explain",
    "flash_attn",
    "prepare",
    "supports",
    "version",
]
