"""An object that exports memory through DLPack and nothing else, for tests.

Counts what consumers do, so that a leak or a second release is seen.
"""

import ctypes

_api = ctypes.pythonapi
_api.PyCapsule_New.restype = ctypes.py_object
_api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_api.PyCapsule_IsValid.restype = ctypes.c_int
_api.PyCapsule_IsValid.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_api.PyCapsule_GetPointer.restype = ctypes.c_void_p

# Codes and bits by name.
TYPES = {
    "float32": (2, 32),
    "float16": (2, 16),
    "float64": (2, 64),
    "bfloat16": (4, 16),
    "float8_e4m3fn": (10, 8),
    "float8_e5m2": (12, 8),
    "float8_e4m3fnuz": (11, 8),
    "int32": (0, 32),
    "int64": (0, 64),
}


class Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64),
    ]  # fmt: skip


class Old(ctypes.Structure):
    _fields_ = [("tensor", Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class New(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p), ("flags", ctypes.c_uint64), ("tensor", Tensor),
    ]  # fmt: skip


_exported = {}  # address -> (struct, shape, strides, producer): what a deleter frees


@ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
def _delete(address):
    producer = _exported.pop(address)[3]  # a second release raises KeyError
    producer.released += 1


@ctypes.PYFUNCTYPE(None, ctypes.c_void_p)
def _destroy_capsule(capsule):
    """Of a capsule that nobody has used."""
    for name in (b"dltensor", b"dltensor_versioned"):
        if _api.PyCapsule_IsValid(capsule, name):
            get = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)
            _delete(get(("PyCapsule_GetPointer", _api))(capsule, name))


def live():
    """How many exports have not been released."""
    return len(_exported)


class Producer:
    """Memory of a numpy array as elements of type `dtype` (which is as wide as the array's).

    versioned: exports `dltensor_versioned` if asked for it; else always `dltensor`
    offset: bytes that the data pointer lies before the first element
    null: the data pointer is null
    """

    def __init__(self, array, dtype=None, versioned=True, device=(1, 0), flags=0, offset=0,
                 dense=False, major=1, null=False):  # fmt: skip
        self.array, self.versioned, self.device, self.flags = array, versioned, device, flags
        self.dtype = dtype or array.dtype.name
        self.offset, self.dense, self.major = offset, dense, major
        self.null = null
        self.exported = self.released = 0
        self.streams = []  # that exports were for

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, *args, **kwargs):
        if self.device[0] == 2:
            self.streams.append(kwargs.pop("stream"))
        if self.versioned:
            return self._export(New, b"dltensor_versioned", kwargs["max_version"])
        if args or kwargs:  # as libraries do that are older than DLPack 1.0
            raise TypeError("__dlpack__() got an unexpected keyword argument")
        return self._export(Old, b"dltensor", None)

    def _export(self, struct, name, version):
        array = self.array
        shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        strides = (ctypes.c_int64 * array.ndim)(*(s // array.itemsize for s in array.strides))
        managed = struct()
        managed.tensor = Tensor(
            None if self.null else array.ctypes.data - self.offset, *self.device, array.ndim, *TYPES[self.dtype], 1,
            shape, None if self.dense else strides, self.offset,
        )  # fmt: skip
        managed.deleter = ctypes.cast(_delete, ctypes.c_void_p)
        if version:
            managed.major, managed.minor, managed.flags = self.major, 0, self.flags
        address = ctypes.addressof(managed)
        _exported[address] = (managed, shape, strides, self)
        self.exported += 1
        return _api.PyCapsule_New(address, name, ctypes.cast(_destroy_capsule, ctypes.c_void_p))
