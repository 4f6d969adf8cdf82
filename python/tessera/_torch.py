"""torch tensors. Read directly: a tenth of the time that DLPack takes, and float8 too."""

import importlib
from typing import Any, Callable, Dict, List, Tuple

from ._abi import DTYPE_NAMES
from ._memory import Framework, Memory, no_such_dtype, not_here
from .errors import unsupported

_torch: Any = None
_codes: Dict[Any, int] = {}  # torch.dtype -> tessera_dtype
_dtypes: Dict[int, Any] = {}  # and back


def _read(name: str, tensor: Any, written: bool, held: List[Callable[[], None]]) -> Memory:
    code = _codes.get(tensor.dtype)
    if code is None:
        raise no_such_dtype(name, str(tensor.dtype).replace("torch.", ""))
    if not tensor.is_cpu:
        raise not_here(name, str(tensor.device))
    if tensor.layout is not _torch.strided:
        raise unsupported(name, f"{tensor.layout}", "a dense tensor")
    if tensor.requires_grad and _torch.is_grad_enabled():
        expected = "a tensor without, or torch.no_grad(): there are no gradients"
        raise unsupported(name, "a tensor that requires grad", expected)
    if tensor.is_neg():
        raise unsupported(name, "a lazily negated view", "tensor.resolve_neg()")
    strides = None if tensor.is_contiguous() else tensor.stride()
    return tensor.data_ptr(), code, tensor.shape, strides


def _empty(like: Any, code: int, shape: Tuple[int, ...]) -> Any:
    return _torch.empty(shape, dtype=_dtypes[code], device=like.device)


def framework() -> Framework:
    """Called when the first tensor is met; torch has been imported by then."""
    global _torch
    _torch = importlib.import_module("torch")
    for code, name in enumerate(DTYPE_NAMES):
        if name and hasattr(_torch, name):  # old versions lack float8
            _dtypes[code] = getattr(_torch, name)
            _codes[_dtypes[code]] = code
    return Framework(_read, _empty)
