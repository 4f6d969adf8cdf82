"""The reference of the GPU suite, with numpy and no GPU: it says what the package's own does, and
its judge finds what is wrong."""

import os
import sys
import unittest

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import reference  # noqa: E402

sys.path[0] = os.path.join(HERE, "..", "python")
del sys.modules["reference"]
import reference as other  # noqa: E402

BF16 = 2.0**-7
SLOPES = np.array([0.5, 0.1, 0.0, 1.5], np.float32)
SINKS = np.array([0.3, -2, 5, -np.inf], np.float32)


def to_bf16(x):
    return other.from_bf16(other.to_bf16(x)).astype(np.float64)


def operands(sq, skv, h=4, g=2, d=16, e=24):
    rng = np.random.default_rng(sq * 1000 + skv)
    return [to_bf16(rng.standard_normal(shape)) for shape in ((sq, h, d), (skv, g, d), (skv, g, e))]


class ReferenceTest(unittest.TestCase):
    FEATURES = [
        {}, {"causal": True}, {"causal": True, "top_left": True}, {"window": (5, 0)}, {"window": (-1, 3)},
        {"window": (4, 2), "sink_tokens": 3}, {"causal": True, "window": (0, 1 << 62), "sink_tokens": 1},
        {"sink_logits": SINKS}, {"alibi_slopes": SLOPES}, {"alibi_slopes": SLOPES, "top_left": True},
        {"softcap": 0.7}, {"scale": -0.4}, {"scale": 0.0},
        {"causal": True, "window": (2, -1), "sink_logits": SINKS, "alibi_slopes": SLOPES, "softcap": 3.0, "scale": -2},
    ]  # fmt: skip

    def compare(self, q, k, v, features):
        named = dict(features)
        align = "top_left" if named.pop("top_left", False) else "bottom_right"
        out, lse = other.sequence(q, k, v, causal_align=align, **named)
        found = reference.attention(q, k, v, **features)
        np.testing.assert_allclose(found.out, out, 1e-12, 1e-12)
        np.testing.assert_allclose(found.lse, lse, 1e-12, 1e-12)
        if "sink_logits" not in features:
            np.testing.assert_array_equal(found.seen == 0, np.isinf(lse).all(0))

    def test_is_that_of_the_package(self):
        for sq, skv in ((7, 7), (1, 9), (9, 4), (3, 0), (0, 5), (0, 0)):
            q, k, v = operands(sq, skv)
            for features in self.FEATURES:
                with self.subTest(sq=sq, skv=skv, **features):
                    self.compare(q, k, v, features)

    def test_any_ratio_of_heads(self):
        for ratio in (1, 3, 5, 7, 8):
            self.compare(*operands(6, 8, h=2 * ratio, g=2), {"causal": True})

    def test_chunks_are_one(self):
        q, k, v = operands(23, 31)
        whole = reference.attention(q, k, v, causal=True, alibi_slopes=SLOPES)
        usual, reference.CHUNK = reference.CHUNK, 4 * 31 * 5
        try:
            parts = reference.attention(q, k, v, causal=True, alibi_slopes=SLOPES)
        finally:
            reference.CHUNK = usual
        for a, b in zip(whole, parts):
            np.testing.assert_array_equal(a, b)

    def test_rounding_is_small_and_not_nothing(self):
        q, k, v = operands(60, 70)
        rounding = reference.Rounding(to_bf16, to_bf16, to_bf16)
        exact, rounded = (reference.attention(q, k, v, rounding=r) for r in (None, rounding))
        error = abs(rounded.out - exact.out)
        self.assertTrue(0 < error.max() < 0.03)
        np.testing.assert_array_equal(rounded.out, to_bf16(rounded.out))


class JudgeTest(unittest.TestCase):
    def setUp(self):
        q, k, v = operands(80, 70)
        rounding = reference.Rounding(to_bf16, to_bf16, to_bf16)
        self.exact, self.rounded = (
            reference.attention(q, k, v, causal=True, rounding=r) for r in (None, rounding)
        )
        self.empty = 10  # rows that see nothing

    def verdict(self, change=lambda out, lse: None, softcap=0.0):
        out, lse = self.rounded.out.copy(), self.exact.lse.astype(np.float32)
        change(out, lse)
        judge = reference.Judge([BF16], softcap)
        judge.add("sequence 0", out, lse, self.exact, self.rounded)
        return judge.verdict()

    def test_what_is_right(self):
        self.assertEqual(self.verdict(), "")

    def test_what_is_wrong(self):
        def element(out, lse):
            out[50, 1, 3] += 0.1

        def everywhere(out, lse):
            out[self.empty :] *= 1.01

        def nan(out, lse):
            out[50, 1, 3] = np.nan

        def negative_zero(out, lse):
            out[0, 0, 0] = -0.0

        def not_zero(out, lse):
            out[0, 0, 0] = 1e-30

        def lse_off(out, lse):
            lse[2, 40] += 2e-3

        def lse_finite(out, lse):
            lse[2, 0] = -1e30

        def lse_nan(out, lse):
            lse[2, 40] = np.nan

        for change, message in (
            (element, "the largest error is"), (everywhere, "the mean error is"),
            (nan, r"1 elements of out are not finite, the first at \[50, 1, 3\]"),
            (negative_zero, r"not \+0"), (not_zero, r"not \+0"), (lse_off, r"1 of lse differ, the first at \[2, 40\]"),
            (lse_finite, r"\[2, 0\]: found -1e\+30, expected -inf"), (lse_nan, "found nan"),
        ):  # fmt: skip
            with self.subTest(change.__name__):
                self.assertRegex(self.verdict(change), message)

    def test_softcap_is_granted_its_tanh(self):
        def off(out, lse):
            lse[:, self.empty :] += 2e-3

        self.assertIn("of lse differ", self.verdict(off))
        self.assertEqual(self.verdict(off, softcap=15.0), "")


if __name__ == "__main__":
    unittest.main()
