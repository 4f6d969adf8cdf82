"""numpy arrays, of numpy's types and of those of ml_dtypes."""

import ctypes
import importlib
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ._abi import BF16, DTYPE_NAMES, E4M3, E5M2
from ._memory import (
    HOST,
    Framework,
    Memory,
    default_stream,
    in_elements,
    no_such_dtype,
    not_writable,
)

_ML_DTYPES = (BF16, E4M3, E5M2)


class _Interface(ctypes.Structure):
    """PyArrayInterface: what `__array_struct__` holds. Read in half the time of
    `__array_interface__`, and tells whether the array is contiguous and writable."""

    _fields_ = [
        ("two", ctypes.c_int),
        ("nd", ctypes.c_int),
        ("typekind", ctypes.c_char),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_int),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("data", ctypes.c_void_p),
    ]


_C_CONTIGUOUS = 0x001
_WRITEABLE = 0x400

_interface_at = _Interface.from_address
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]

_numpy: Any = None  # imported when it is first needed
_codes: Dict[Any, int] = {}  # numpy dtype -> tessera_dtype, as types are met
_dtypes: Dict[int, Any] = {}  # and back


def _dtype(code: int) -> Any:
    """The numpy dtype of a tessera_dtype. Raises ImportError where ml_dtypes is needed
    and missing, which cannot be if there is an array of that type."""
    global _numpy
    _numpy = importlib.import_module("numpy")
    types = importlib.import_module("ml_dtypes") if code in _ML_DTYPES else _numpy
    return _dtypes.setdefault(code, _numpy.dtype(getattr(types, DTYPE_NAMES[code])))


def _code(name: str, dtype: Any) -> int:
    code = DTYPE_NAMES.index(dtype.name) if dtype.name in DTYPE_NAMES else 0
    try:
        # Another byte order has the same name, but is another type.
        if code and dtype == _dtype(code):
            _codes[dtype] = code
            return code
    except ImportError:  # another library's type of that name
        pass
    raise no_such_dtype(name, str(dtype))


def _read(
    name: str,
    array: Any,
    written: bool,
    held: List[Callable[[], None]],
    stream: Optional[int],
) -> Memory:
    dtype = array.dtype
    code = _codes.get(dtype) or _code(name, dtype)
    capsule = array.__array_struct__
    interface = _interface_at(_pointer(capsule, None))
    flags = interface.flags
    if written and not flags & _WRITEABLE:
        raise not_writable(name)
    strides = None if flags & _C_CONTIGUOUS else in_elements(name, array.strides, code)
    return interface.data or 0, code, array.shape, strides, HOST


def empty(
    name: str, like: Any, code: int, shape: Sequence[int], stream: Optional[int]
) -> Tuple[Any, int]:
    dtype = _dtypes.get(code) or _dtype(code)
    array = _numpy.empty(shape, dtype)
    return array, _read(name, array, True, [], stream)[0]


framework = Framework(_read, empty, default_stream)
