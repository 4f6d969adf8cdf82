"""Every argument of attention against the reference."""

import array
import unittest

import numpy as np

import reference
import tessera

RNG = np.random.default_rng(1)


def normal(*shape, dtype=np.float32):
    return RNG.standard_normal(shape).astype(dtype)


def qkv(b=2, sq=5, skv=9, h=4, g=2, d=16, e=16, dtype=np.float32):
    return (
        normal(b, sq, h, d, dtype=dtype),
        normal(b, skv, g, d, dtype=dtype),
        normal(b, skv, g, e, dtype=dtype),
    )


class AttentionTest(unittest.TestCase):
    def expect(self, q, k, v, tolerance=2e-5, **options):
        """Dense q, k, v, with `out` and `lse` against the reference."""
        out, lse = tessera.attention(q, k, v, return_lse=True, **options)
        expected, expected_lse = map(np.stack, reference.batch(q, k, v, **options))
        self.assertEqual(out.dtype, q.dtype)
        self.assertEqual(lse.dtype, np.float32)
        np.testing.assert_allclose(out, expected, tolerance, tolerance)
        np.testing.assert_allclose(lse, expected_lse, tolerance, tolerance)
        return out

    def test_plain(self):
        self.expect(*qkv())

    def test_without_lse_gives_the_same(self):
        q, k, v = qkv()
        out = tessera.attention(q, k, v)
        self.assertIsInstance(out, np.ndarray)
        np.testing.assert_array_equal(out, tessera.attention(q, k, v, return_lse=True)[0])

    def test_half(self):
        self.expect(*qkv(dtype=np.float16), tolerance=4e-3)

    def test_other_width_of_values(self):
        self.expect(*qkv(e=24))

    def test_one_head_of_keys(self):
        self.expect(*qkv(h=6, g=1))

    def test_causal(self):
        for align in ("bottom_right", "top_left"):
            self.expect(*qkv(), causal=True, causal_align=align)
            self.expect(*qkv(sq=9, skv=5), causal=True, causal_align=align)

    def test_window(self):
        for window in ((2, 1), (3, -1), (-1, 0), (None, 2), (0, 0), [1, np.int64(1)]):
            with self.subTest(window=window):
                self.expect(*qkv(), window=window)

    def test_sink_tokens(self):
        self.expect(*qkv(), causal=True, window=(1, -1), sink_tokens=2)

    def test_sink_logits(self):
        logits = normal(4)
        self.expect(*qkv(), sink_logits=logits)
        self.expect(*qkv(), sink_logits=logits.tolist(), causal=True)
        q, k, v = qkv(sq=9, skv=5)
        out = self.expect(q, k, v, sink_logits=logits, causal=True)
        self.assertFalse(out[:, :4].any())

    def test_alibi(self):
        self.expect(*qkv(), alibi_slopes=normal(4) ** 2)
        self.expect(*qkv(), alibi_slopes=normal(2, 4) ** 2, causal=True)
        self.expect(*qkv(), alibi_slopes=[0.5, 0.25, 0.125, 0])
        self.expect(*qkv(), alibi_slopes=[[0.5, 0.25, 0.125, 0], (1, 2, 3, 4)])

    def test_softcap_and_scale(self):
        self.expect(*qkv(), softcap=1.5, scale=0.7)
        self.expect(*qkv(), scale=np.float32(0.5))
        self.expect(*qkv(), scale=0)

    def test_everything_together(self):
        self.expect(
            *qkv(sq=20, skv=33), causal=True, window=(6, 2), sink_tokens=3,
            sink_logits=normal(4), alibi_slopes=normal(4) ** 2, softcap=2.0, scale=0.3,
        )  # fmt: skip

    def test_rows_without_keys_are_zero(self):
        q, k, v = qkv(sq=4, skv=2)
        out, lse = tessera.attention(q, k, v, causal=True, return_lse=True)
        self.assertFalse(out[:, :2].any())
        self.assertFalse(np.signbit(out[:, :2]).any())
        self.assertTrue((lse[:, :, :2] == -np.inf).all())

    def test_descales(self):
        q, k, v = qkv()
        for shape in ((), (2, 2)):
            scales = {
                name: abs(normal(*shape)) + 0.5 for name in ("q_descale", "k_descale", "v_descale")
            }
            scales = {name: np.asarray(scale, np.float32) for name, scale in scales.items()}
            try:
                tessera.attention(q, k, v, **scales)
            except tessera.Error as error:  # the factors may be for float8 alone
                self.assertIn("descale", error.subject)
            else:
                self.expect(q, k, v, **scales)


class LayoutTest(unittest.TestCase):
    def test_strided_views(self):
        b, s, h, d = 2, 7, 4, 16
        dense = {name: normal(b, s, h, d) for name in "qkv"}
        expected = np.stack(reference.batch(*dense.values())[0])
        together = np.stack(list(dense.values()), axis=2)  # [b, s, 3, h, d]
        layouts = {
            "packed qkv": [together[:, :, i] for i in range(3)],
            "heads first": [
                x.transpose(0, 2, 1, 3).copy().transpose(0, 2, 1, 3) for x in dense.values()
            ],
            "wide rows": [np.pad(x, [(0, 0)] * 3 + [(0, 5)])[..., :d] for x in dense.values()],
        }
        for name, (q, k, v) in layouts.items():
            with self.subTest(name):
                np.testing.assert_allclose(tessera.attention(q, k, v), expected, 2e-5, 2e-5)

    def test_reversed_and_broadcast(self):
        q, k, v = qkv(b=3)
        backwards = q[::-1, ::-1]
        expected = np.stack(reference.batch(backwards, k, v)[0])
        np.testing.assert_allclose(tessera.attention(backwards, k, v), expected, 2e-5, 2e-5)
        one = np.broadcast_to(k[:1], k.shape)
        expected = np.stack(reference.batch(q, one, v)[0])
        np.testing.assert_allclose(tessera.attention(q, one, v), expected, 2e-5, 2e-5)

    def test_out_is_written_and_returned(self):
        q, k, v = qkv()
        expected = tessera.attention(q, k, v)
        out = np.full_like(expected, np.nan)
        self.assertIs(tessera.attention(q, k, v, out=out), out)
        np.testing.assert_array_equal(out, expected)
        wide = np.full((2, 5, 4, 40), 7, np.float32)
        result, lse = tessera.attention(q, k, v, out=wide[..., 8:24], return_lse=True)
        np.testing.assert_array_equal(wide[..., 8:24], expected)
        self.assertTrue((wide[..., :8] == 7).all() and (wide[..., 24:] == 7).all())

    def test_out_of_another_type(self):
        q, k, v = qkv()
        out = np.empty(q.shape, np.float16)
        tessera.attention(q, k, v, out=out)
        np.testing.assert_allclose(out, np.stack(reference.batch(q, k, v)[0]), 4e-3, 4e-3)

    def test_inputs_may_be_read_only(self):
        q, k, v = qkv()
        expected = tessera.attention(q, k, v)
        for x in (q, k, v):
            x.flags.writeable = False
        np.testing.assert_array_equal(tessera.attention(q, k, v), expected)

    def test_subclasses_of_arrays(self):
        q, k, v = qkv()
        kind = type("Mine", (np.ndarray,), {})
        out = tessera.attention(q.view(kind), k.view(kind), v)
        np.testing.assert_array_equal(out, tessera.attention(q, k, v))

    def test_empty(self):
        for b, sq, skv in ((0, 5, 9), (2, 0, 9), (2, 5, 0), (0, 0, 0)):
            with self.subTest(b=b, sq=sq, skv=skv):
                q, k, v = qkv(b=b, sq=sq, skv=skv)
                out, lse = tessera.attention(q, k, v, return_lse=True)
                self.assertEqual(out.shape, (b, sq, 4, 16))
                self.assertEqual(lse.shape, (b, 4, sq))
                self.assertFalse(out.any())
                self.assertTrue((lse == -np.inf).all())


class LengthsTest(unittest.TestCase):
    """Packed sequences, used lengths and pages."""

    LENGTHS_Q, LENGTHS_KV = (3, 0, 7, 1), (5, 4, 7, 18)

    def setUp(self):
        self.q = [normal(n, 4, 16) for n in self.LENGTHS_Q]
        self.k = [normal(n, 2, 16) for n in self.LENGTHS_KV]
        self.v = [normal(n, 2, 24) for n in self.LENGTHS_KV]

    def expect_packed(self, out, lse, **options):
        outs, lses = reference.batch(self.q, self.k, self.v, **options)
        np.testing.assert_allclose(out, np.concatenate(outs), 2e-5, 2e-5)
        np.testing.assert_allclose(lse, np.concatenate(lses, axis=1), 2e-5, 2e-5)

    def test_packed(self):
        (q, cu_q), (k, cu_k), (v, _) = map(reference.packed, (self.q, self.k, self.v))
        for causal in (False, True):
            out, lse = tessera.attention(
                q, k, v, causal=causal, cu_seqlens_q=cu_q, cu_seqlens_kv=cu_k, return_lse=True
            )
            self.expect_packed(out, lse, causal=causal)
        again = tessera.attention(
            q, k, v, causal=True, cu_seqlens_q=cu_q.tolist(), cu_seqlens_kv=tuple(cu_k),
            max_seqlen_q=7, max_seqlen_kv=np.int32(18),
        )  # fmt: skip
        np.testing.assert_array_equal(again, out)
        array_out = tessera.attention(
            q, k, v, causal=True, cu_seqlens_q=array.array("i", cu_q), cu_seqlens_kv=cu_k
        )
        np.testing.assert_array_equal(array_out, out)

    def test_used_lengths(self):
        q, k, v = qkv(b=4, sq=3, skv=18)
        used = np.array([18, 0, 1, 7], np.int32)
        out, lse = tessera.attention(q, k, v, causal=True, seqused_kv=used, return_lse=True)
        outs, lses = reference.batch(q, k, v, causal=True, seqused_kv=used)
        np.testing.assert_allclose(out, np.stack(outs), 2e-5, 2e-5)
        np.testing.assert_allclose(lse, np.stack(lses), 2e-5, 2e-5)
        strided = np.stack([used, used + 9], axis=1)[:, 0]
        np.testing.assert_array_equal(
            tessera.attention(q, k, v, causal=True, seqused_kv=strided), out
        )

    def test_pages(self):
        q, cu_q = reference.packed(self.q)
        for layout in ("NHD", "HND"):
            for page_size in (16, 64):
                with self.subTest(layout=layout, page_size=page_size):
                    k, table, used = reference.paged(self.k, page_size, layout)
                    v, _, _ = reference.paged(self.v, page_size, layout)
                    out, lse = tessera.attention(
                        q, k, v, causal=True, cu_seqlens_q=cu_q, page_table=table,
                        seqused_kv=used, page_layout=layout, return_lse=True,
                    )  # fmt: skip
                    self.expect_packed(out, lse, causal=True)

    def test_pages_by_lists(self):
        q = normal(2, 1, 4, 16)
        k, table, _ = reference.paged(self.k[:2], 16)
        v, _, _ = reference.paged(self.v[:2], 16)
        out = tessera.attention(q, k, v, page_table=table.tolist(), seqused_kv=[5, 4])
        expected = np.stack(reference.batch(q, self.k[:2], self.v[:2])[0])
        np.testing.assert_allclose(out, expected, 2e-5, 2e-5)


class QuestionsTest(unittest.TestCase):
    def test_version(self):
        self.assertRegex(tessera.version, r"^\d+\.\d+\.\d+")

    def test_supports(self):
        self.assertIs(tessera.supports("f32,d64,causal"), True)
        self.assertIs(tessera.supports("f32,d15"), False)
        self.assertIs(tessera.supports("nonsense"), False)
        self.assertEqual(tessera.check("causal,d64,f32"), "fwd,host,f32,d64,causal")

    def test_compile(self):
        self.assertIn("flash_forward", tessera.compile("f32,d64", "generic"))
        self.assertIn("define void @", tessera.compile("f32,d64", "llvm"))

    def test_explain(self):
        q, k, v = qkv()
        answer = tessera.explain(q, k, v, causal=True, return_lse=True)
        self.assertIsInstance(answer, dict)
        self.assertIn("fwd,host,f32,d16,causal,lse", answer["key"])
        with self.assertRaises(TypeError):
            tessera.explain(q, k, v, casual=True)


if __name__ == "__main__":
    unittest.main()
