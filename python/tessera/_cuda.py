"""Which GPU is current. The library works on the device that holds the tensors' memory; those
without elements have none, and then it takes the device that is current for the thread."""

import ctypes
from ctypes import byref, c_int, c_void_p
from typing import Dict, Optional

from ._memory import device_name
from .errors import Status, refusal

# Calls that do not wait keep the interpreter's lock, which is faster.
_driver: Optional[ctypes.PyDLL] = None
_looked = False
_contexts: Dict[int, c_void_p] = {}  # primary contexts, kept to the end of the process


def _load() -> Optional[ctypes.PyDLL]:
    """The driver; None where there is none, which the library will say."""
    global _driver, _looked
    if not _looked:
        try:
            driver = ctypes.PyDLL("libcuda.so.1")
            driver.cuCtxGetDevice.argtypes = [c_void_p]
            driver.cuCtxPushCurrent_v2.argtypes = [c_void_p]
            driver.cuCtxPopCurrent_v2.argtypes = [c_void_p]
            driver.cuDevicePrimaryCtxRetain.argtypes = [c_void_p, c_int]
            _driver = driver
        except (OSError, AttributeError):
            pass
        _looked = True
    return _driver


def enter(device: int) -> bool:
    """Makes a device current for this thread. Whether it was not: then call `leave`."""
    driver = _driver or _load()
    if driver is None:
        return False
    current = c_int(-1)
    if driver.cuCtxGetDevice(byref(current)) == 0 and current.value == device:
        return False
    context = _contexts.get(device) or _primary_context(driver, device)
    status = driver.cuCtxPushCurrent_v2(context)
    if status:
        raise _failure(device, status)
    return True


def leave() -> None:
    """Undoes an `enter` that returned true."""
    if _driver is not None:
        _driver.cuCtxPopCurrent_v2(byref(c_void_p()))


def _primary_context(driver: ctypes.PyDLL, device: int) -> c_void_p:
    """The context that every library of CUDA's runtime shares."""
    context = c_void_p()
    status = driver.cuInit(0) or driver.cuDevicePrimaryCtxRetain(byref(context), device)
    if status:
        raise _failure(device, status)
    return _contexts.setdefault(device, context)


def _failure(device: int, status: int) -> Exception:
    return refusal(
        Status.UNSUPPORTED_TARGET, "device", f"{device_name(device)} with error {status} of CUDA",
        "a GPU that the driver can use",
    )  # fmt: skip
