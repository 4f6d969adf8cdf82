"""Appending to caches, dense and paged, with both kinds of rotation."""

import unittest

import numpy as np

import reference
import tessera
from producer import Producer

RNG = np.random.default_rng(3)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def angles(positions, n):
    angle = np.arange(positions)[:, None] / 10.0 ** (np.arange(n) / n * 4)
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


class AppendTest(unittest.TestCase):
    def test_copies_rows(self):
        rows, starts = normal(3, 4, 2, 16), np.array([0, 5, 12], np.int32)
        cache = normal(3, 16, 2, 16)
        expected = cache.copy()
        for b, start in enumerate(starts):
            expected[b, start : start + 4] = rows[b]
        for given in (starts, starts.tolist(), Producer(starts)):
            written = cache.copy()
            self.assertIsNone(tessera.append(rows, written, given))
            np.testing.assert_array_equal(written, expected)

    def test_strided(self):
        both = normal(2, 16, 2, 2, 16)  # keys and values in one cache
        rows = normal(2, 2, 3, 16).transpose(0, 2, 1, 3)
        expected = both.copy()
        expected[:, 4:7, 1] = rows
        tessera.append(rows, both[:, :, 1], [4, 4])
        np.testing.assert_array_equal(both, expected)

    def test_rotates(self):
        cos, sin = angles(64, 4)  # 8 of 16 elements
        rows = normal(2, 3, 2, 16)
        for interleaved in (False, True):
            for positions in (None, [40, 7]):
                with self.subTest(interleaved=interleaved, positions=positions):
                    cache = np.zeros((2, 16, 2, 16), np.float32)
                    tessera.append(
                        rows, cache, [3, 9], cos=cos, sin=sin, positions=positions,
                        interleaved=interleaved,
                    )  # fmt: skip
                    for b, start in enumerate((3, 9)):
                        first = start if positions is None else positions[b]
                        at = first + np.arange(3)
                        expected = reference.rotate(rows[b], cos, sin, at, interleaved)
                        np.testing.assert_allclose(
                            cache[b, start : start + 3], expected, 1e-6, 1e-6
                        )
                        cache[b, start : start + 3] = 0
                    self.assertFalse(cache.any())

    def test_packed_rows_into_pages(self):
        lengths, starts = (2, 0, 5), np.array([15, 3, 30], np.int32)
        rows, cu = reference.packed([normal(n, 2, 16) for n in lengths])
        for layout in ("NHD", "HND"):
            pages = np.zeros((8, 16, 2, 16), np.float32)
            table = np.array([[4, 1, -1], [0, -1, -1], [2, 7, 5]], np.int32)
            expected = pages.copy()
            for b in range(3):
                for i in range(lengths[b]):
                    row = starts[b] + i
                    expected[table[b, row // 16], row % 16] = rows[cu[b] + i]
            if layout == "HND":
                pages = np.ascontiguousarray(pages.transpose(0, 2, 1, 3))
                expected = expected.transpose(0, 2, 1, 3)
            tessera.append(rows, pages, starts, cu_seqlens=cu, page_table=table, page_layout=layout)
            np.testing.assert_array_equal(pages, expected)

    def test_bfloat16(self):
        rows, cache = reference.to_bf16(normal(1, 3, 2, 16)), np.zeros((1, 8, 2, 16), np.uint16)
        tessera.append(Producer(rows, "bfloat16"), Producer(cache, "bfloat16"), [2])
        np.testing.assert_array_equal(cache[:, 2:5], rows)
        self.assertFalse(cache[:, :2].any() or cache[:, 5:].any())

    def test_nothing(self):
        cache = normal(2, 4, 2, 16)
        expected = cache.copy()
        tessera.append(normal(2, 0, 2, 16), cache, [4, 0])
        np.testing.assert_array_equal(cache, expected)


if __name__ == "__main__":
    unittest.main()
