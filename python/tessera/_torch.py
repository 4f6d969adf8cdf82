"""torch tensors. Read directly: a tenth of the time that DLPack takes, and float8 too."""

import importlib
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ._abi import DTYPE_NAMES
from ._memory import HOST, Framework, Memory, no_such_dtype, not_here
from .errors import unsupported

_torch: Any = None
_strided: Any = None
_contiguous: Any = None
_codes: Dict[Any, int] = {}  # torch.dtype -> tessera_dtype
_dtypes: Dict[int, Any] = {}  # and back


def _public_stream(device: int) -> int:
    handle: int = _torch.cuda.current_stream(device).cuda_stream
    return handle


_stream: Callable[[int], int] = _public_stream


def _read(
    name: str,
    tensor: Any,
    written: bool,
    held: List[Callable[[], None]],
    stream: Optional[int],
) -> Memory:
    code = _codes.get(tensor.dtype)
    if code is None:
        raise no_such_dtype(name, str(tensor.dtype).replace("torch.", ""))
    if tensor.is_cuda:
        device = tensor.get_device()
    elif tensor.is_cpu:
        device = HOST
    else:
        raise not_here(name, str(tensor.device))
    if tensor.layout is not _strided:
        raise unsupported(name, f"{tensor.layout}", "a dense tensor")
    if tensor.requires_grad and _torch.is_grad_enabled():
        expected = "a tensor without, or torch.no_grad(): there are no gradients"
        raise unsupported(name, "a tensor that requires grad", expected)
    if tensor.is_neg():
        raise unsupported(name, "a lazily negated view", "tensor.resolve_neg()")
    strides = None if tensor.is_contiguous() else tensor.stride()
    return tensor.data_ptr(), code, tensor.shape, strides, device


def _empty(
    name: str, like: Any, code: int, shape: Sequence[int], stream: Optional[int]
) -> Tuple[Any, int]:
    if stream is None or not like.is_cuda or stream == _stream(like.get_device()):
        return _new(like, code, shape)
    # What was freed on the current stream may still be in use there, so that other streams
    # must not write to it: memory for them is torch's to find.
    cuda, device = _torch.cuda, like.device
    other = cuda.ExternalStream(stream, device) if stream else cuda.default_stream(device)
    with cuda.stream(other):
        return _new(like, code, shape)


def _new(like: Any, code: int, shape: Sequence[int]) -> Tuple[Any, int]:
    dtype = _dtypes[code]
    if like.shape == shape:  # most often, and in two thirds of the time
        tensor = _torch.empty_like(like, dtype=dtype, memory_format=_contiguous)
    else:
        tensor = like.new_empty(shape, dtype=dtype)
    return tensor, tensor.data_ptr()


def framework() -> Framework:
    """Called when the first tensor is met; torch has been imported by then."""
    global _torch, _strided, _contiguous, _stream
    _torch = importlib.import_module("torch")
    _strided, _contiguous = _torch.strided, _torch.contiguous_format
    # Without making an object of the stream: a tenth of the time. Not in builds without CUDA.
    _stream = getattr(_torch._C, "_cuda_getCurrentRawStream", _public_stream)
    for code, name in enumerate(DTYPE_NAMES):
        if name and hasattr(_torch, name):  # old versions lack float8
            _dtypes[code] = getattr(_torch, name)
            _codes[_dtypes[code]] = code
    return Framework(_read, _empty, _stream)
