"""Score and mask functions of a library that the program is told of."""

import ctypes
import sys
import unittest

import numpy as np

import tessera

RNG = np.random.default_rng(3)
SEQLEN, HEADS, WIDTH = 37, 2, 16

library = ctypes.CDLL(sys.argv.pop())
library.tessera_variant.restype = ctypes.c_int64


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def expected(q, k, v, change):
    """Attention in double; `change(scores, head)` is a variant, scores [rows, columns]."""
    out = np.empty(q.shape)
    for b, h in np.ndindex(q.shape[0], q.shape[2]):
        scores = q[b, :, h].astype(np.float64) @ k[b, :, h].T / WIDTH**0.5
        scores = change(scores, b, h)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        out[b, :, h] = weights @ v[b, :, h] / weights.sum(axis=1, keepdims=True)
    return out


class VariantsTest(unittest.TestCase):
    def setUp(self):
        self.q, self.k, self.v = (normal(2, SEQLEN, HEADS, WIDTH) for _ in range(3))
        self.row, self.col = np.arange(SEQLEN)[:, None], np.arange(SEQLEN)[None, :]

    def test_relative_bias(self):
        reach = 20  # shorter than the sequences: outside are zeros
        bias = normal(HEADS, 2 * reach + 1)
        padded = np.pad(bias, ((0, 0), (SEQLEN, SEQLEN)))
        change = lambda x, b, h: x + padded[h][self.col - self.row + reach + SEQLEN]
        variant = library.tessera_variant(b"relative_bias")
        arguments = {"bias": bias, "reach": reach}
        out = tessera.attention(self.q, self.k, self.v, variant=variant, variant_arguments=arguments)
        np.testing.assert_allclose(out, expected(self.q, self.k, self.v, change), 2e-5, 2e-5)
        prepared = tessera.prepare(self.q, self.k, self.v, variant=variant, variant_arguments=arguments)
        del arguments
        prepared.launch()
        np.testing.assert_array_equal(prepared.out, out)

    def test_documents(self):
        documents = np.sort(RNG.integers(0, 4, (2, SEQLEN))).astype(np.int32)
        same = documents[:, :, None] == documents[:, None, :]
        change = lambda x, b, h: np.where(same[b], x, -np.inf)
        variant = library.tessera_variant(b"documents")
        out = tessera.attention(self.q, self.k, self.v, variant=variant, variant_arguments={"documents": documents})
        np.testing.assert_allclose(out, expected(self.q, self.k, self.v, change), 2e-5, 2e-5)

    def refused(self, kind, **options):
        with self.assertRaises(kind):
            tessera.attention(self.q, self.k, self.v, **options)

    def test_mistakes(self):
        variant = library.tessera_variant(b"relative_bias")
        self.assertEqual(library.tessera_variant(b"none"), 0)
        bias = normal(HEADS, 3)
        self.refused(tessera.errors.UnknownVariantError, variant=variant ^ 1)
        self.refused(tessera.Error, variant=variant)
        self.refused(tessera.Error, variant=variant, variant_arguments={"bias": bias, "reach": 1.5})
        self.refused(tessera.Error, variant=variant, variant_arguments={"bias": bias[0], "reach": 1})
        self.refused(tessera.Error, variant=variant, variant_arguments={"bias": bias.astype(np.float64), "reach": 1})
        self.refused(tessera.Error, variant_arguments={"reach": 1})
        many = {f"table {i}": bias for i in range(40)}
        self.refused(tessera.Error, variant=variant, variant_arguments=many)


if __name__ == "__main__":
    unittest.main()
