"""Arrays in the memory of a GPU. A driver is needed, not a GPU: test/Inputs/driver pretends one."""

import ctypes
import unittest
from unittest import mock

import numpy as np

from producer import Producer
from tessera import _attention

HOST, CUDA = (1, 0), (2, 0)

try:
    driver = ctypes.CDLL("libcuda.so.1")
except OSError:
    driver = None


@unittest.skipIf(driver is None, "no driver")
class PretendedGpuTest(unittest.TestCase):
    def setUp(self):
        context = ctypes.c_void_p()
        calls = (
            (driver.cuInit, 0), (driver.cuDevicePrimaryCtxRetain, ctypes.byref(context), 0),
            (driver.cuCtxPushCurrent_v2, context),
        )  # fmt: skip
        self.assertEqual([function(*arguments) for function, *arguments in calls], [0, 0, 0])
        self.addCleanup(driver.cuCtxPopCurrent_v2, ctypes.byref(context))

    def array(self, null, *shape, kind=np.float16, value=1):
        """Of a GPU. Without elements it has the address of nothing there."""
        x = np.full(shape, value, kind)
        if not x.size:
            return Producer(x, device=CUDA, null=null)
        memory = ctypes.c_uint64()
        self.assertEqual(driver.cuMemAlloc_v2(ctypes.byref(memory), ctypes.c_size_t(x.nbytes)), 0)
        self.addCleanup(driver.cuMemFree_v2, memory)
        self.addCleanup(driver.cuCtxSynchronize)
        there = np.frombuffer((ctypes.c_uint8 * x.nbytes).from_address(memory.value), kind)
        there[:] = value
        return Producer(there.reshape(shape), device=CUDA)

    def calls_with(self, **fields):
        """While it is entered, calls of attention have these fields in their struct."""

        def describe(*arguments):
            call, *outputs = usual(*arguments)
            for name, value in fields.items():
                setattr(call, name, value)
            return (call, *outputs)

        usual = _attention.describe
        return mock.patch.object(_attention, "describe", describe)
