"""numpy arrays of the types of ml_dtypes."""

import unittest

import numpy as np

try:
    import ml_dtypes
except ImportError:
    raise unittest.SkipTest("ml_dtypes is not installed") from None

import reference
import tessera
from producer import Producer
from tessera import errors

RNG = np.random.default_rng(6)


def normal(dtype):
    return RNG.standard_normal((2, 6, 2, 16)).astype(dtype)


class MlDtypesTest(unittest.TestCase):
    def test_types(self):
        for name, tolerance in (("bfloat16", 2e-2), ("float8_e4m3fn", 8e-2), ("float8_e5m2", 8e-2)):
            with self.subTest(name):
                dtype = getattr(ml_dtypes, name)
                q, k, v = (normal(dtype) for _ in range(3))
                out, lse = tessera.attention(q, k, v, return_lse=True)
                self.assertEqual(out.dtype, ml_dtypes.bfloat16)
                expected = np.stack(reference.batch(q, k, v)[0])
                np.testing.assert_allclose(out.astype(np.float64), expected, tolerance, tolerance)
                strided = np.ascontiguousarray(q.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
                np.testing.assert_array_equal(tessera.attention(strided, k, v), out)

    def test_the_bits_of_the_reference_are_those_of_ml_dtypes(self):
        x = normal(np.float32)
        self.assertEqual(reference.to_bf16(x).tobytes(), x.astype(ml_dtypes.bfloat16).tobytes())
        for name in ("float8_e4m3fn", "float8_e5m2"):
            codes = np.arange(256, dtype=np.uint8)
            values = codes.view(getattr(ml_dtypes, name)).astype(np.float64)
            finite = np.isfinite(values)
            np.testing.assert_array_equal(reference.from_fp8(codes, name)[finite], values[finite])

    def test_new_outputs_beside_other_producers(self):
        bits = Producer(reference.to_bf16(normal(np.float32)), "bfloat16")
        self.assertEqual(tessera.attention(bits, bits, bits).dtype, ml_dtypes.bfloat16)

    def test_another_type_of_eight_bits(self):
        x = normal(ml_dtypes.float8_e4m3fnuz)
        with self.assertRaises(errors.UnsupportedDTypeError) as context:
            tessera.attention(x, x, x)
        self.assertEqual(context.exception.found, "float8_e4m3fnuz")


if __name__ == "__main__":
    unittest.main()
