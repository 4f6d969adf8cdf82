"""Arrays that are known by DLPack alone: types, both capsules, ownership."""

import gc
import sys
import unittest

import numpy as np

import reference
import tessera
from producer import Producer, live
from tessera import errors

RNG = np.random.default_rng(2)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


class TypesTest(unittest.TestCase):
    def test_float32_and_float16(self):
        for dtype, tolerance in ((np.float32, 2e-5), (np.float16, 4e-3)):
            for versioned in (True, False):
                with self.subTest(dtype=dtype, versioned=versioned):
                    q, k, v = (normal(2, 6, 2, 16).astype(dtype) for _ in range(3))
                    out = tessera.attention(*(Producer(x, versioned=versioned) for x in (q, k, v)))
                    self.assertIsInstance(out, np.ndarray)
                    self.assertEqual(out.dtype, dtype)
                    expected = np.stack(reference.batch(q, k, v)[0])
                    np.testing.assert_allclose(out, expected, tolerance, tolerance)
        self.assertEqual(live(), 0)

    def test_bfloat16(self):
        bits = [reference.to_bf16(normal(2, 6, 2, 16)) for _ in range(3)]
        out = np.zeros((2, 6, 2, 16), np.uint16)
        target = Producer(out, "bfloat16")
        result, lse = tessera.attention(
            *(Producer(x, "bfloat16") for x in bits), out=target, return_lse=True
        )
        self.assertIs(result, target)
        expected, expected_lse = reference.batch(*map(reference.from_bf16, bits))
        np.testing.assert_allclose(reference.from_bf16(out), np.stack(expected), 2e-2, 2e-2)
        np.testing.assert_allclose(lse, np.stack(expected_lse), 1e-3, 1e-3)

    def test_float8(self):
        for name in ("float8_e4m3fn", "float8_e5m2"):
            with self.subTest(name):
                bits = [reference.to_fp8(normal(2, 6, 2, 16), name) for _ in range(3)]
                values = [reference.from_fp8(x, name) for x in bits]
                scales = dict(
                    q_descale=0.5, k_descale=[[0.5, 2], [1, 0.25]], v_descale=np.float32(2)
                )
                out = np.zeros((2, 6, 2, 16), np.uint16)
                tessera.attention(
                    *(Producer(x, name) for x in bits), out=Producer(out, "bfloat16"), **scales
                )
                expected = np.stack(reference.batch(*values, **scales)[0])
                np.testing.assert_allclose(reference.from_bf16(out), expected, 8e-2, 8e-2)

    def test_other_types_are_refused(self):
        x = normal(1, 2, 2, 16)
        for array, name, found in (
            (x.astype(np.float64), "float64", "float64"),
            (x.astype(np.int64), "int64", "int64"),
            (x.astype(np.uint8), "float8_e4m3fnuz", "DLPack type 11"),
        ):
            with self.assertRaises(errors.UnsupportedDTypeError) as context:
                tessera.attention(x, Producer(array, name), x)
            self.assertEqual(context.exception.subject, "k.dtype")
            self.assertIn(found, context.exception.found)
        self.assertEqual(live(), 0)

    def test_new_bfloat16_output_needs_ml_dtypes(self):
        bits = Producer(reference.to_bf16(normal(1, 2, 2, 16)), "bfloat16")
        hidden = {"ml_dtypes": sys.modules.get("ml_dtypes")}
        sys.modules["ml_dtypes"] = None  # importing it fails
        try:
            if hidden["ml_dtypes"] is None:
                with self.assertRaises(errors.MissingTensorError) as context:
                    tessera.attention(bits, bits, bits)
                self.assertEqual(context.exception.subject, "out")
                self.assertIn("ml_dtypes is not installed", context.exception.found)
        finally:
            del sys.modules["ml_dtypes"]
            if hidden["ml_dtypes"]:
                sys.modules.update(hidden)
        self.assertEqual(live(), 0)


class LayoutTest(unittest.TestCase):
    def test_strides_offsets_and_tables(self):
        q, kv = normal(2, 3, 4, 16), normal(2, 2, 9, 2, 16)
        k, v = kv[:, 0], kv[:, 1]
        used = np.array([9, 4], np.int32)
        out = tessera.attention(
            Producer(q, dense=True), Producer(k, offset=64), Producer(v, versioned=False, offset=4),
            seqused_kv=Producer(used),
        )  # fmt: skip
        expected = np.stack(reference.batch(q, k, v, seqused_kv=used)[0])
        np.testing.assert_allclose(out, expected, 2e-5, 2e-5)
        self.assertEqual(live(), 0)

    def test_empty(self):
        x = normal(0, 3, 2, 16)
        self.assertEqual(tessera.attention(Producer(x), x, x).shape, (0, 3, 2, 16))

    def test_pinned_memory_is_the_hosts(self):
        x = normal(1, 3, 2, 16)
        out = tessera.attention(Producer(x, device=(3, 0)), x, x)
        np.testing.assert_array_equal(out, tessera.attention(x, x, x))


class OwnershipTest(unittest.TestCase):
    def test_released_once_when_the_call_returns(self):
        for versioned in (True, False):
            producer = Producer(normal(1, 3, 2, 16), versioned=versioned)
            for i in range(1, 4):
                tessera.attention(producer, producer, producer)
                self.assertEqual((producer.exported, producer.released), (3 * i, 3 * i))

    def test_released_when_the_call_is_refused(self):
        good, bad = Producer(normal(1, 3, 2, 16)), Producer(normal(1, 3, 3, 16))
        for arguments in (
            (good, good, bad),
            (good, good, "v"),
            (bad, good, Producer(good.array, device=(2, 0))),
        ):
            with self.assertRaises(tessera.Error):
                tessera.attention(*arguments)
            gc.collect()
            self.assertEqual(live(), 0)

    def test_read_only(self):
        x = normal(1, 3, 2, 16)
        frozen = Producer(x, flags=1)
        tessera.attention(frozen, frozen, frozen)
        for flags, found in ((1, "read-only"), (2, "a copy")):
            with self.assertRaises(errors.InvalidValueError) as context:
                tessera.attention(x, x, x, out=Producer(np.zeros_like(x), flags=flags))
            self.assertEqual(context.exception.subject, "out")
            self.assertEqual(context.exception.found, found)
        self.assertEqual(live(), 0)

    def test_a_version_that_is_not_known(self):
        x = normal(1, 3, 2, 16)
        with self.assertRaises(errors.InvalidValueError) as context:
            tessera.attention(Producer(x, major=2), x, x)
        self.assertEqual(context.exception.subject, "q.dlpack_version")
        self.assertEqual(live(), 0)

    def test_a_used_capsule(self):
        x = normal(1, 3, 2, 16)

        class Twice(Producer):
            capsule = None

            def __dlpack__(self, **kwargs):
                self.capsule = self.capsule or super().__dlpack__(**kwargs)
                return self.capsule

        twice = Twice(x)
        tessera.attention(twice, x, x)
        with self.assertRaisesRegex(errors.InvalidValueError, "used_dltensor_versioned"):
            tessera.attention(twice, x, x)

    def test_what_exports_no_capsule(self):
        class Liar(Producer):
            def __dlpack__(self, **kwargs):
                return 5

        with self.assertRaises(errors.UnsupportedDTypeError):
            tessera.attention(Liar(normal(1, 3, 2, 16)), normal(1, 3, 2, 16), normal(1, 3, 2, 16))

    def test_a_producers_own_error_comes_through(self):
        class Broken(Producer):
            def __dlpack__(self, **kwargs):
                raise BufferError("not today")

        x = normal(1, 3, 2, 16)
        with self.assertRaisesRegex(BufferError, "not today"):
            tessera.attention(x, Producer(x), Broken(x))
        self.assertEqual(live(), 0)


if __name__ == "__main__":
    unittest.main()
