"""The package tells the library which GPU holds the memory of a call."""

import unittest

import numpy as np

import tessera
from pretended import CUDA, PretendedGpuTest
from producer import Producer
from tessera import errors


class DeviceTest(PretendedGpuTest):
    def setUp(self):
        super().setUp()
        self.q, self.out = (self.array(False, 2, 5, 2, 64) for _ in range(2))
        self.elsewhere = Producer(np.ones((2, 9, 2, 64), np.float16), device=CUDA)  # as it says

    def refused(self, error, expected):
        with self.assertRaisesRegex(error, expected):
            tessera.attention(self.q, self.elsewhere, self.elsewhere, out=self.out)

    def test_the_driver_is_not_asked(self):
        self.refused(errors.InvalidStrideError, "ones that the driver makes a tensor map of")

    def test_it_is_asked_where_nobody_tells(self):
        with self.calls_with(has_device=0):
            self.refused(errors.UnsupportedTargetError, "k.data is memory of the host")

    def test_one_that_is_not_there(self):
        q = Producer(np.ones((0, 5, 2, 64), np.float16), device=(2, 9), null=True)
        expected = "device is 9, expected the number of a GPU that the driver can use"
        with self.assertRaisesRegex(errors.UnsupportedTargetError, expected):
            tessera.attention(q, q, q, out=q)


if __name__ == "__main__":
    unittest.main()
