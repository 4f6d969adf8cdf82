"""Every kind of refusal: its class, the built-in it also is, its parts; nothing is written."""

import pickle
import unittest

import numpy as np

import tessera
from producer import Producer
from tessera import errors


def f32(*shape):
    return np.ones(shape, np.float32)


class RefusalTest(unittest.TestCase):
    def setUp(self):
        self.q, self.k, self.v = f32(1, 3, 2, 16), f32(1, 5, 2, 16), f32(1, 5, 2, 16)
        self.out = np.full((1, 3, 2, 16), 7, np.float32)

    def refused(self, kind, builtin, *, subject, found="", expected="", **changes):
        """Calls attention with some arguments changed."""
        arguments = {"q": self.q, "k": self.k, "v": self.v, "out": self.out, **changes}
        with self.assertRaises(kind) as context:
            tessera.attention(
                arguments.pop("q"), arguments.pop("k"), arguments.pop("v"), **arguments
            )
        error = context.exception
        self.assertIs(type(error), kind)
        self.assertIsInstance(error, builtin)
        self.assertIsInstance(error, tessera.Error)
        self.assertRegex(error.subject, subject)
        self.assertIn(found, error.found)
        self.assertIn(expected, error.expected)
        self.assertEqual(str(error), error.message)
        for part in (error.subject, error.found, error.expected, error.nearest):
            self.assertIn(part, error.message)
        self.assertTrue((self.out == 7).all())
        return error

    def test_dtype(self):
        error = self.refused(
            errors.UnsupportedDTypeError, TypeError, q=self.q.astype(np.float64),
            subject=r"^q\.dtype$", found="float64", expected="bfloat16",
        )  # fmt: skip
        self.assertEqual(error.status, tessera.Status.UNSUPPORTED_DTYPE)
        swapped = self.q.astype(">f4")
        self.refused(
            errors.UnsupportedDTypeError, TypeError, k=swapped, subject=r"^k\.dtype$", found=">f4"
        )
        self.refused(
            errors.UnsupportedDTypeError, TypeError, q=self.q.astype(np.int32), subject="q"
        )

    def test_what_is_no_tensor(self):
        for value in ("q", None, [[1.0]], object()):
            self.refused(
                errors.UnsupportedDTypeError, TypeError, q=value, subject="^q$",
                found=type(value).__name__, expected="__dlpack__",
            )  # fmt: skip

    def test_head_dim(self):
        odd = f32(1, 3, 2, 12)
        error = self.refused(
            errors.UnsupportedHeadDimError, NotImplementedError, q=odd, k=odd, v=odd, out=None,
            subject=".", found="12", expected="multiple of 8",
        )  # fmt: skip
        self.assertIn("d16", error.nearest)

    def test_rank(self):
        self.refused(errors.InvalidRankError, ValueError, q=self.q[0], subject="q")
        self.refused(errors.InvalidRankError, ValueError, q=f32(4), out=None, subject="q")
        self.refused(errors.InvalidRankError, ValueError, v=f32(), out=None, subject="v")
        self.refused(errors.InvalidRankError, ValueError, q=f32(*[1] * 9), out=None, subject="q")

    def test_shape(self):
        self.refused(errors.InvalidShapeError, ValueError, v=f32(1, 4, 2, 16), subject="v")
        self.refused(
            errors.InvalidShapeError, ValueError, alibi_slopes=f32(3), subject="alibi_slopes"
        )
        self.refused(
            errors.InvalidShapeError, ValueError, alibi_slopes=[[1, 2], [3]],
            subject="^alibi_slopes$", found="ragged",
        )  # fmt: skip

    def test_stride(self):
        self.refused(
            errors.InvalidStrideError, ValueError, q=f32(1, 3, 2, 32)[..., ::2], subject="q"
        )
        record = np.zeros((1, 3, 2, 16), np.dtype([("x", np.float32), ("y", np.int8)]))["x"]
        self.refused(
            errors.InvalidStrideError, ValueError, q=record, subject=r"^q\.strides\[3\]$",
            expected="multiple of the 4 bytes",
        )  # fmt: skip

    def test_alignment(self):
        memory = bytearray(4 * self.q.size + 1)
        odd = np.frombuffer(memory, np.float32, self.q.size, offset=1).reshape(self.q.shape)
        self.refused(errors.MisalignedError, ValueError, q=odd, subject="q")

    def test_missing(self):
        self.refused(
            errors.MissingTensorError, ValueError, k=f32(2, 16, 2, 16), v=f32(2, 16, 2, 16),
            page_table=[[0]], subject="seqused_kv",
        )  # fmt: skip

    def test_value(self):
        kind = errors.InvalidValueError
        self.refused(kind, ValueError, scale=float("nan"), subject="scale")
        self.refused(kind, ValueError, softcap=-1.0, subject="softcap")
        self.refused(kind, ValueError, window=(-2, 0), subject="window", found="-2")
        self.refused(kind, ValueError, sink_tokens=-1, subject="sink_tokens")
        self.refused(kind, ValueError, window=3, subject="^window$", found="3", expected="pair")
        self.refused(
            kind, ValueError, window=(1.5, 0), subject=r"^window\[0\]$", expected="an integer"
        )
        self.refused(
            kind, ValueError, sink_tokens=2**70, subject="^sink_tokens$", expected="64 bits"
        )
        self.refused(
            kind, ValueError, causal_align="left", subject="^causal_align$", expected='"top_left"'
        )
        self.refused(
            kind, ValueError, page_layout="nhd", subject="^page_layout$", expected='"NHD" or "HND"'
        )
        self.refused(kind, ValueError, softcap="much", subject="^softcap$", expected="a number")

    def test_tables(self):
        kind = errors.UnsupportedDTypeError
        for wrong in (np.int64, np.float32):
            self.refused(
                kind, TypeError, seqused_kv=np.array([5], wrong), subject=r"^seqused_kv\.dtype$",
                found=np.dtype(wrong).name, expected="int32",
            )  # fmt: skip
        self.refused(
            kind, TypeError, alibi_slopes=np.ones(2, np.float16),
            subject=r"^alibi_slopes\.dtype$", found="float16", expected="float32",
        )  # fmt: skip
        self.refused(kind, TypeError, seqused_kv=[1.5], subject="^seqused_kv$", expected="int32")
        self.refused(
            kind, TypeError, sink_logits=["a", 1], subject="^sink_logits$", found="int and str"
        )
        self.refused(
            errors.InvalidValueError, ValueError, seqused_kv=[2**40], subject="^seqused_kv$"
        )

    def test_lengths(self):
        self.refused(
            errors.InvalidLengthsError, ValueError, q=self.q[0], k=self.k[0], v=self.v[0], out=None,
            cu_seqlens_q=[0, 3], cu_seqlens_kv=[0, 6], subject="cu_seqlens_kv",
        )  # fmt: skip
        self.refused(errors.InvalidLengthsError, ValueError, seqused_kv=[6], subject="seqused_kv")

    def test_pages(self):
        self.refused(
            errors.InvalidPagesError, ValueError, k=f32(2, 0, 2, 16), v=f32(2, 0, 2, 16),
            page_table=[[0]], seqused_kv=[0], subject=".",
        )  # fmt: skip

    def test_overlap(self):
        q = self.out[...]
        self.refused(errors.OverlapError, ValueError, q=q, subject=r"^o(ut)?\.data$")

    def test_read_only(self):
        self.out.flags.writeable = False
        self.refused(errors.InvalidValueError, ValueError, subject="^out$", found="read-only")

    def test_device(self):
        error = self.refused(
            errors.UnsupportedTargetError, NotImplementedError, k=Producer(self.k, device=(2, 1)),
            subject=r"^k\.device$", found="cuda:1", expected="cpu",
        )  # fmt: skip
        self.assertIsInstance(error, RuntimeError)
        self.assertEqual(
            error.message, "k.device is cuda:1, expected cpu, where q lies"
        )
        self.refused(
            errors.UnsupportedTargetError, NotImplementedError, k=Producer(self.k, device=(8, 0)),
            subject=r"^k\.device$", found="metal:0", expected="cpu or cuda",
        )  # fmt: skip

    def test_target(self):
        self.refused(
            errors.UnsupportedTargetError, NotImplementedError, target="sm80", subject="target"
        )
        self.refused(
            errors.UnsupportedTargetError, NotImplementedError, target="sm90a", subject="^target$",
            found="sm90a", expected='"host": q lies on cpu',
        )  # fmt: skip
        np.testing.assert_array_equal(
            tessera.attention(self.q, self.k, self.v, target="host"),
            tessera.attention(self.q, self.k, self.v),
        )
        self.refused(errors.InvalidValueError, ValueError, target=3, subject="^target$")

    def test_key(self):
        with self.assertRaises(errors.InvalidKeyError) as context:
            tessera.check("f32,d64,casual")
        self.assertIsInstance(context.exception, ValueError)
        self.assertEqual(context.exception.nearest, "causal")
        with self.assertRaises(errors.InvalidKeyError):
            tessera.compile("f32,f16", "llvm")
        with self.assertRaises(errors.UnsupportedHeadDimError):
            tessera.check("f32,d15")
        with self.assertRaises(errors.InvalidValueError):
            tessera.compile("f32,d64", "cubin")
        with self.assertRaises(errors.InvalidValueError):
            tessera.supports(5)

    def test_append(self):
        cache = f32(1, 4, 2, 16)
        with self.assertRaises(errors.InvalidLengthsError):
            tessera.append(f32(1, 3, 2, 16), cache, [2])
        with self.assertRaises(errors.MissingTensorError):
            tessera.append(f32(1, 3, 2, 16), cache, [0], cos=f32(8, 4))
        cache.flags.writeable = False
        with self.assertRaises(errors.InvalidValueError):
            tessera.append(f32(1, 3, 2, 16), cache, [0])


class ErrorTest(unittest.TestCase):
    def test_each_status_has_a_class_of_its_own(self):
        classes = [type(errors.from_status(s, "m")) for s in tessera.Status if s]
        self.assertEqual(len(classes), len(set(classes)))
        self.assertNotIn(tessera.Error, classes)
        for status in tessera.Status:
            if status:
                error = errors.from_status(
                    status, "message", "subject", "found", "expected", "nearest"
                )
                builtins = (ValueError, TypeError, NotImplementedError, RuntimeError)
                self.assertIsInstance(error, builtins)
                self.assertEqual(error.status, status)
                self.assertTrue(type(error).__doc__)
        self.assertIsInstance(errors.from_status(13, "m"), errors.UnknownVariantError)
        self.assertIsInstance(errors.from_status(15, "m"), errors.InternalError)

    def test_a_status_of_a_newer_library(self):
        error = errors.from_status(99, "what it says")
        self.assertIsInstance(error, errors.InternalError)
        self.assertEqual(str(error), "what it says")

    def test_pickle(self):
        error = errors.from_status(5, "message", "subject", "found", "expected", "nearest")
        again = pickle.loads(pickle.dumps(error))
        self.assertIs(type(again), errors.InvalidShapeError)
        self.assertEqual(vars(again), vars(error))


if __name__ == "__main__":
    unittest.main()
