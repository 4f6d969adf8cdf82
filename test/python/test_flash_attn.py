"""flash-attn's functions against the reference."""

import inspect
import unittest

import numpy as np

import reference
import tessera
from producer import Producer, live
from tessera import errors
from tessera.flash_attn import flash_attn_func, flash_attn_varlen_func, flash_attn_with_kvcache

RNG = np.random.default_rng(4)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def angles(positions, n):
    angle = np.arange(positions)[:, None] / 10.0 ** (np.arange(n) / n * 4)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


class SignatureTest(unittest.TestCase):
    """Positional callers depend on order, others on names and defaults."""

    def test_arguments(self):
        common = (
            "dropout_p=0.0, softmax_scale=None, causal=False, window_size=(-1, -1), softcap=0.0, "
            "alibi_slopes=None, deterministic=False, return_attn_probs=False"
        )
        lengths = "cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k"
        expected = {
            flash_attn_func: f"q, k, v, {common}",
            flash_attn_varlen_func: f"q, k, v, {lengths}, {common}, block_table=None",
            flash_attn_with_kvcache: (
                "q, k_cache, v_cache, k=None, v=None, rotary_cos=None, rotary_sin=None, "
                "cache_seqlens=None, cache_batch_idx=None, cache_leftpad=None, block_table=None, "
                "softmax_scale=None, causal=False, window_size=(-1, -1), softcap=0.0, "
                "rotary_interleaved=True, alibi_slopes=None, num_splits=0, return_softmax_lse=False"
            ),
        }
        for function, arguments in expected.items():
            found = ", ".join(
                p.name if p.default is p.empty else f"{p.name}={p.default!r}"
                for p in inspect.signature(function).parameters.values()
            )
            self.assertEqual(found, arguments)


class DenseTest(unittest.TestCase):
    def test_func(self):
        q, k, v = normal(2, 5, 4, 16), normal(2, 9, 2, 16), normal(2, 9, 2, 16)
        slopes = normal(4) ** 2
        out, lse, probabilities = flash_attn_func(
            q, k, v, 0.0, 0.3, True, (4, 0), 2.0, slopes, True, True
        )
        self.assertIsNone(probabilities)
        expected, expected_lse = reference.batch(
            q, k, v, scale=0.3, causal=True, window=(4, 0), softcap=2.0, alibi_slopes=slopes
        )
        np.testing.assert_allclose(out, np.stack(expected), 2e-5, 2e-5)
        np.testing.assert_allclose(lse, np.stack(expected_lse), 2e-5, 2e-5)
        np.testing.assert_allclose(
            flash_attn_func(q, k, v, window_size=(-5, 2)),
            np.stack(reference.batch(q, k, v, window=(-1, 2))[0]), 2e-5, 2e-5,
        )  # fmt: skip

    def test_dropout_is_refused(self):
        x = normal(1, 2, 2, 16)
        with self.assertRaises(NotImplementedError) as context:
            flash_attn_func(x, x, x, dropout_p=0.1)
        self.assertIsInstance(context.exception, tessera.Error)
        self.assertIsInstance(context.exception, ValueError)
        self.assertEqual(context.exception.subject, "dropout_p")


class VarlenTest(unittest.TestCase):
    def setUp(self):
        self.q = [normal(n, 4, 16) for n in (3, 7, 1)]
        self.k, self.v = ([normal(n, 2, 16) for n in (5, 7, 18)] for _ in range(2))
        self.expected, self.expected_lse = reference.batch(self.q, self.k, self.v, causal=True)

    def test_packed(self):
        (q, cu_q), (k, cu_k), (v, _) = map(reference.packed, (self.q, self.k, self.v))
        out, lse, probabilities = flash_attn_varlen_func(
            q, k, v, cu_q, cu_k, 7, 18, causal=True, return_attn_probs=True
        )
        self.assertIsNone(probabilities)
        np.testing.assert_allclose(out, np.concatenate(self.expected), 2e-5, 2e-5)
        np.testing.assert_allclose(lse, np.concatenate(self.expected_lse, axis=1), 2e-5, 2e-5)

    def test_block_table(self):
        q, cu_q = reference.packed(self.q)
        (k, table, _), (v, _, _) = (reference.paged(x, 16) for x in (self.k, self.v))
        cu_k = reference.packed(self.k)[1]
        for given in (cu_k, cu_k.tolist(), np.stack([cu_k, cu_k], axis=1)[:, 1], Producer(cu_k)):
            out = flash_attn_varlen_func(
                q, k, v, cu_q, given, 7, 18, causal=True, block_table=table
            )
            np.testing.assert_allclose(out, np.concatenate(self.expected), 2e-5, 2e-5)


class CacheTest(unittest.TestCase):
    """flash_attn_with_kvcache; sequences of a cache with 32 rows are 4, 0 and 20 long."""

    LENGTHS = np.array([4, 0, 20], np.int32)

    def setUp(self):
        self.k_cache, self.v_cache = normal(3, 32, 2, 16), normal(3, 32, 2, 16)
        self.new_k, self.new_v = normal(3, 2, 2, 16), normal(3, 2, 2, 16)
        self.q = normal(3, 2, 4, 16)

    def expected(self, rotary=None, interleaved=True, at_one_position=False, new=True, **options):
        """Out, lse and the caches afterwards, by the reference."""
        k_cache, v_cache = self.k_cache.astype(np.float64), self.v_cache.astype(np.float64)
        q, lengths = self.q.astype(np.float64), self.LENGTHS.copy()
        for b, n in enumerate(lengths):
            if not new:
                break
            k = self.new_k[b]
            if rotary:
                k = reference.rotate(k, *rotary, n + np.arange(2), interleaved)
                at = n + np.arange(2) * (not at_one_position)
                q[b] = reference.rotate(q[b], *rotary, at, interleaved)
            k_cache[b, n : n + 2], v_cache[b, n : n + 2] = k, self.new_v[b]
        used = lengths + 2 * new
        out, lse = reference.batch(q, k_cache, v_cache, seqused_kv=used, **options)
        return np.stack(out), np.stack(lse), k_cache, v_cache

    def close(self, *pairs):
        for found, expected in pairs:
            np.testing.assert_allclose(found, expected, 2e-5, 2e-5)

    def test_only_reads(self):
        out, lse, *_ = self.expected(new=False, causal=True)
        found, found_lse = flash_attn_with_kvcache(
            self.q, self.k_cache, self.v_cache, cache_seqlens=self.LENGTHS, causal=True,
            return_softmax_lse=True,
        )  # fmt: skip
        self.close((found, out), (found_lse, lse))

    def test_the_whole_cache(self):
        expected = np.stack(reference.batch(self.q, self.k_cache, self.v_cache)[0])
        self.close(
            (flash_attn_with_kvcache(self.q, self.k_cache, self.v_cache), expected),
            (flash_attn_with_kvcache(self.q, self.k_cache, self.v_cache, cache_seqlens=32), expected),
            (flash_attn_with_kvcache(self.q, self.k_cache, self.v_cache, cache_seqlens=np.int64(32)), expected),
            (flash_attn_with_kvcache(self.q, self.k_cache, self.v_cache, cache_batch_idx=[0, 1, 2]), expected),
        )  # fmt: skip

    def test_appends(self):
        out, lse, k_cache, v_cache = self.expected(causal=True)
        found, found_lse = flash_attn_with_kvcache(
            self.q, self.k_cache, self.v_cache, self.new_k, self.new_v,
            cache_seqlens=self.LENGTHS, causal=True, return_softmax_lse=True,
        )  # fmt: skip
        self.close((found, out), (found_lse, lse))
        self.close((self.k_cache, k_cache), (self.v_cache, v_cache))
        np.testing.assert_array_equal(self.LENGTHS, [4, 0, 20])

    def test_rotates(self):
        cos, sin = angles(64, 4)
        for interleaved in (True, False):
            for options in ({"causal": True}, {"window": (3, 0)}, {}):
                for table in (np.float32, np.float16):
                    with self.subTest(interleaved=interleaved, options=options, table=table):
                        self.setUp()
                        rotary = cos.astype(table), sin.astype(table)
                        out, _, k_cache, v_cache = self.expected(
                            rotary, interleaved, at_one_position=not options, **options
                        )
                        given = {
                            "window_size" if n == "window" else n: x for n, x in options.items()
                        }
                        before = self.q.copy()
                        found = flash_attn_with_kvcache(
                            self.q, self.k_cache, self.v_cache, self.new_k, self.new_v, *rotary,
                            cache_seqlens=self.LENGTHS, rotary_interleaved=interleaved, **given,
                        )  # fmt: skip
                        self.close((found, out), (self.k_cache, k_cache), (self.v_cache, v_cache))
                        np.testing.assert_array_equal(self.q, before)

    def test_rotates_strided_queries(self):
        cos, sin = angles(64, 8)
        out, *_ = self.expected((cos, sin), at_one_position=True)
        wide = np.zeros((3, 4, 4, 16), np.float32)
        wide[:, ::2] = self.q
        found = flash_attn_with_kvcache(
            wide[:, ::2], self.k_cache, self.v_cache, self.new_k, self.new_v, cos, sin, self.LENGTHS
        )
        self.close((found, out))

    def test_pages(self):
        out, _, k_cache, v_cache = self.expected(causal=True)
        table = np.array([[3, 1], [5, 0], [2, 4]], np.int32)
        pages_k, pages_v = np.full((2, 6, 16, 2, 16), np.nan, np.float32)
        for b in range(3):
            for j in range(2):
                pages_k[table[b, j]] = self.k_cache[b, 16 * j : 16 * j + 16]
                pages_v[table[b, j]] = self.v_cache[b, 16 * j : 16 * j + 16]
        found = flash_attn_with_kvcache(
            self.q, pages_k, pages_v, self.new_k, self.new_v, cache_seqlens=self.LENGTHS,
            block_table=table, causal=True,
        )  # fmt: skip
        self.close((found, out), (pages_k[table].reshape(k_cache.shape), k_cache))
        whole = flash_attn_with_kvcache(self.q, pages_k, pages_v, block_table=table)
        self.close(
            (
                whole,
                np.stack(
                    reference.batch(self.q, k_cache, pages_v[table].reshape(v_cache.shape))[0]
                ),
            )
        )

    def test_cache_batch_idx(self):
        out, _, k_cache, v_cache = self.expected(causal=True)
        rows = np.array([4, 0, 2], np.int32)
        big_k, big_v = normal(2, 5, 32, 2, 16)
        big_k[rows], big_v[rows] = self.k_cache, self.v_cache
        others = big_k[[1, 3]].copy()
        for given in (rows, rows.tolist(), np.stack([rows, rows])[:, ::1][0]):
            found = flash_attn_with_kvcache(
                self.q, big_k, big_v, self.new_k, self.new_v, cache_seqlens=self.LENGTHS,
                cache_batch_idx=given, causal=True,
            )  # fmt: skip
            self.close((found, out), (big_k[rows], k_cache), (big_v[rows], v_cache))
            np.testing.assert_array_equal(big_k[[1, 3]], others)
        for bad in ([4, 0, 5], [4, -1, 2]):
            with self.assertRaises(errors.InvalidPagesError):
                flash_attn_with_kvcache(
                    self.q, big_k, big_v, cache_seqlens=self.LENGTHS, cache_batch_idx=bad
                )

    def test_a_cache_of_odd_size(self):
        """Rows of a cache are pages to the kernel, of any size."""
        k_cache, v_cache = normal(2, 4, 19, 2, 16)
        found = flash_attn_with_kvcache(
            self.q, k_cache, v_cache, cache_seqlens=[19, 3, 7], cache_batch_idx=[3, 0, 1]
        )
        expected = reference.batch(
            self.q, k_cache[[3, 0, 1]], v_cache[[3, 0, 1]], seqused_kv=[19, 3, 7]
        )
        self.close((found, np.stack(expected[0])))

    def test_a_cache_for_more_sequences(self):
        k_cache, v_cache = normal(2, 5, 32, 2, 16)
        expected = np.stack(reference.batch(self.q, k_cache, v_cache, seqused_kv=[9, 9, 9])[0])
        self.close((flash_attn_with_kvcache(self.q, k_cache, v_cache, cache_seqlens=9), expected))

    def test_dlpack_bfloat16(self):
        bits = reference.to_bf16
        self.k_cache, self.v_cache, self.new_k, self.new_v, self.q = (
            reference.from_bf16(bits(x))
            for x in (self.k_cache, self.v_cache, self.new_k, self.new_v, self.q)
        )
        cos, sin = angles(64, 8)
        out, _, k_cache, _ = self.expected((cos, sin), causal=True)
        cache = [bits(self.k_cache), bits(self.v_cache)]
        arrays = [
            Producer(x, "bfloat16")
            for x in (bits(self.q), *cache, bits(self.new_k), bits(self.new_v))
        ]
        try:
            found = flash_attn_with_kvcache(
                *arrays, cos, sin, cache_seqlens=Producer(self.LENGTHS), causal=True
            )
        except errors.MissingTensorError as error:  # there is no out= to write to
            self.assertIn("ml_dtypes is not installed", error.found)
        else:
            np.testing.assert_allclose(found.astype(np.float32), out, 5e-2, 5e-2)
        np.testing.assert_allclose(reference.from_bf16(cache[0]), k_cache, 1e-2, 1e-2)
        self.assertEqual(live(), 0)

    def test_refusals(self):
        q, k, v = self.q, self.k_cache, self.v_cache
        new = dict(k=self.new_k, v=self.new_v)
        before = k.copy()
        for kind, subject, options in (
            (errors.UnsupportedArgumentError, "cache_leftpad", dict(cache_leftpad=[0, 0, 0])),
            (errors.MissingTensorError, "v", dict(k=self.new_k, cache_seqlens=4)),
            (errors.MissingTensorError, "cache_seqlens", new),
            (errors.MissingTensorError, "k and v", dict(rotary_cos=k, rotary_sin=k)),
            (errors.MissingTensorError, "rotary_sin", dict(rotary_cos=k, cache_seqlens=4, **new)),
            (
                errors.InvalidValueError,
                "cache_batch_idx",
                dict(block_table=[[0]], cache_batch_idx=[0]),
            ),
            (
                errors.UnsupportedDTypeError,
                "cache_seqlens.dtype",
                dict(cache_seqlens=np.zeros(3, np.int64)),
            ),
            (
                errors.InvalidRankError,
                "cache_seqlens.rank",
                dict(cache_seqlens=np.zeros((3, 1), np.int32)),
            ),
        ):
            with self.subTest(subject), self.assertRaises(kind) as context:
                flash_attn_with_kvcache(q, k, v, **options)
            self.assertEqual(context.exception.subject, subject)
        with self.assertRaises(errors.InvalidLengthsError):  # no room
            flash_attn_with_kvcache(q, k, v, cache_seqlens=31, **new)
        with self.assertRaises(errors.InvalidRankError):
            flash_attn_with_kvcache(q[0], k, v)
        np.testing.assert_array_equal(k, before)
        k.flags.writeable = False
        with self.assertRaises(errors.InvalidValueError):
            flash_attn_with_kvcache(q, k, v, cache_seqlens=4, **new)
        flash_attn_with_kvcache(q, k, v, cache_seqlens=4)


if __name__ == "__main__":
    unittest.main()
