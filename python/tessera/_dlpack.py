"""Arrays of other libraries, through DLPack (https://dmlc.github.io/dlpack/latest)."""

import ctypes
import functools
from ctypes import c_char_p, c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ._abi import BF16, DTYPE_NAMES, E4M3, E5M2, F16, F32, I32
from ._memory import (
    HOST,
    Framework,
    Memory,
    default_stream,
    device_name,
    no_such_dtype,
    no_tensor,
    not_here,
    not_writable,
)
from .errors import Status, refusal


class _DLTensor(ctypes.Structure):
    _fields_ = [
        ("data", c_void_p),
        ("device_type", c_int32),
        ("device_id", c_int32),
        ("ndim", c_int32),
        ("type_code", c_uint8),
        ("type_bits", c_uint8),
        ("type_lanes", c_uint16),
        ("shape", c_void_p),
        ("strides", c_void_p),
        ("byte_offset", c_uint64),
    ]


class _Managed(ctypes.Structure):
    """In capsules named `dltensor`."""

    _fields_ = [("dl_tensor", _DLTensor), ("manager_ctx", c_void_p), ("deleter", c_void_p)]


class _ManagedVersioned(ctypes.Structure):
    """In capsules named `dltensor_versioned`. The fields up to the flags are the same
    in every version."""

    _fields_ = [
        ("major", c_uint32),
        ("minor", c_uint32),
        ("manager_ctx", c_void_p),
        ("deleter", c_void_p),
        ("flags", c_uint64),
        ("dl_tensor", _DLTensor),
    ]


_MAX_VERSION = (1, 1)
_READ_ONLY = 1  # flags
_IS_COPIED = 2

# DLDeviceType: memory the host reads, memory of CUDA's devices, and the names of others.
_HOST_DEVICES = (1, 3, 11)  # CPU, CUDAHost, ROCMHost
_CUDA_DEVICES = (2, 13)  # CUDA, CUDAManaged
_DEVICE_NAMES = {4: "opencl", 7: "vulkan", 8: "metal", 10: "rocm"}
# How the protocol writes CUDA's default stream, whose address is 0.
_DEFAULT_STREAM = 1

# DLDataTypeCode, bits, lanes.
_CODES = {
    (2, 32, 1): F32,
    (2, 16, 1): F16,
    (4, 16, 1): BF16,
    (10, 8, 1): E4M3,
    (12, 8, 1): E5M2,
    (0, 32, 1): I32,
}
_KINDS = {0: "int", 1: "uint", 2: "float", 4: "bfloat", 5: "complex", 6: "bool"}

_name_of = ctypes.pythonapi.PyCapsule_GetName
_name_of.restype = c_char_p
_name_of.argtypes = [ctypes.py_object]
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = c_void_p
_pointer.argtypes = [ctypes.py_object, c_char_p]
_rename = ctypes.pythonapi.PyCapsule_SetName
_rename.restype = ctypes.c_int
_rename.argtypes = [ctypes.py_object, c_char_p]
# With the interpreter's lock: some deleters release Python objects and take it for granted.
_Deleter = ctypes.PYFUNCTYPE(None, c_void_p)

# A capsule keeps the pointer to its name: these live as long as the module.
_OLD, _USED_OLD = b"dltensor", b"used_dltensor"
_NEW, _USED_NEW = b"dltensor_versioned", b"used_dltensor_versioned"


def _export(array: Any, options: Dict[str, Any]) -> Any:
    """The capsule of an array, versioned if its library can."""
    try:
        return array.__dlpack__(max_version=_MAX_VERSION, **options)
    except TypeError:  # older than DLPack 1.0
        return array.__dlpack__(**options)


def _consume(
    name: str, array: Any, held: List[Callable[[], None]], options: Dict[str, Any]
) -> Tuple[_DLTensor, int]:
    """Takes ownership of an array's capsule until `held` is called: the tensor and its flags."""
    capsule = _export(array, options)
    try:
        kind = _name_of(capsule)
    except (ValueError, TypeError):  # no capsule at all
        raise no_tensor(name, array) from None
    managed: Any
    if kind == _NEW:
        address = _pointer(capsule, _NEW)
        managed = _ManagedVersioned.from_address(address)
        _rename(capsule, _USED_NEW)
    elif kind == _OLD:
        address = _pointer(capsule, _OLD)
        managed = _Managed.from_address(address)
        _rename(capsule, _USED_OLD)
    else:
        found = f"a capsule named {(kind or b'').decode()!r}"
        raise refusal(Status.INVALID_VALUE, name, found, "an unused DLPack capsule")
    if managed.deleter:
        held.append(functools.partial(_Deleter(managed.deleter), address))
    if kind == _OLD:
        return managed.dl_tensor, 0
    if managed.major != _MAX_VERSION[0]:  # the rest has another layout
        found = f"{managed.major}.{managed.minor}"
        raise refusal(Status.INVALID_VALUE, f"{name}.dlpack_version", found, "1.x")
    return managed.dl_tensor, managed.flags


def _integers(address: int, count: int) -> List[int]:
    return list((c_int64 * count).from_address(address)) if count else []


def _read(
    name: str,
    array: Any,
    written: bool,
    held: List[Callable[[], None]],
    stream: Optional[int],
) -> Memory:
    device_type, device_id = array.__dlpack_device__()
    device = HOST
    options: Dict[str, Any] = {}
    if device_type in _CUDA_DEVICES:
        device = int(device_id)
        options["stream"] = stream or _DEFAULT_STREAM
    elif device_type not in _HOST_DEVICES:  # before the capsule, which might synchronise
        found = _DEVICE_NAMES.get(int(device_type), f"device type {int(device_type)}")
        raise not_here(name, f"{found}:{device_id}")
    tensor, flags = _consume(name, array, held, options)
    if written and flags & _READ_ONLY:
        raise not_writable(name)
    if written and flags & _IS_COPIED:
        expected = "an array that exports its own memory"
        raise refusal(Status.INVALID_VALUE, name, "a copy", expected)
    code = _CODES.get((tensor.type_code, tensor.type_bits, tensor.type_lanes))
    if code is None:
        kind = _KINDS.get(tensor.type_code, f"DLPack type {tensor.type_code} of bits ")
        lanes = f"x{tensor.type_lanes}" if tensor.type_lanes != 1 else ""
        raise no_such_dtype(name, f"{kind}{tensor.type_bits}{lanes}")
    shape = _integers(tensor.shape, tensor.ndim)
    # Strides of arrays without elements may be anything.
    given = tensor.strides and 0 not in shape
    strides = _integers(tensor.strides, tensor.ndim) if given else None
    return (tensor.data or 0) + tensor.byte_offset, code, shape, strides, device


def _empty(
    name: str, like: Any, code: int, shape: Sequence[int], stream: Optional[int]
) -> Tuple[Any, int]:
    """A numpy array: DLPack has no way to ask a library for a new one."""
    from . import _numpy

    expected = f"an array of {DTYPE_NAMES[code]} to write to"
    device_type, device_id = like.__dlpack_device__()
    if device_type in _CUDA_DEVICES:
        expected += f" on {device_name(int(device_id))}: DLPack makes no new ones"
        raise refusal(Status.MISSING_TENSOR, name, "not given", expected)
    try:
        return _numpy.empty(name, like, code, shape, stream)
    except ImportError as error:
        found = f"not given, and {error.name} is not installed"
        raise refusal(Status.MISSING_TENSOR, name, found, expected) from None


framework = Framework(_read, _empty, default_stream)
