"""Tensors without elements: their address is null, or anything.

On a GPU a call with some is one of that GPU, which empty.test pretends.
"""

import gc
import unittest

import numpy as np

import tessera
from pretended import CUDA, HOST, PretendedGpuTest
from producer import Producer, live
from tessera import errors

STREAM = 4096
SIZES = ((0, 5, 9), (2, 0, 9), (2, 5, 0), (2, 0, 0), (0, 0, 0))  # batch, queries, keys


class HostTest(unittest.TestCase):
    def test_null(self):
        for b, sq, skv in SIZES:
            q, k = (np.ones((b, rows, 2, 16), np.float16) for rows in (sq, skv))
            given = [Producer(x, null=not x.size) for x in (q, k, k)]
            out, lse = tessera.attention(*given, return_lse=True)
            self.assertEqual((out.shape, lse.shape), ((b, sq, 2, 16), (b, 2, sq)))
            self.assertTrue((out == 0).all())
        starts = np.int32([0, 0])
        none = Producer(np.ones((0, 2, 16), np.float16), null=True)
        out = tessera.attention(none, none, none, cu_seqlens_q=starts, cu_seqlens_kv=starts)
        self.assertEqual(out.shape, (0, 2, 16))

    def test_tables(self):
        """They are given, and so they are checked."""
        q = np.ones((0, 5, 2, 16), np.float16)
        for shape, is_right in (((0, 2), True), ((0, 3), False)):
            slopes = Producer(np.ones(shape, np.float32), null=True)
            if is_right:
                tessera.attention(q, q, q, alibi_slopes=slopes)
                continue
            with self.assertRaises(errors.InvalidShapeError):
                tessera.attention(q, q, q, alibi_slopes=slopes)


class GpuTest(PretendedGpuTest):
    def test_calls(self):
        for b, sq, skv in SIZES:
            for null in (False, True):
                q, out = (self.array(null, b, sq, 2, 64) for _ in range(2))
                k, v = (self.array(null, b, skv, 2, 64) for _ in range(2))
                for target in (None, "cuda"):
                    self.assertIs(tessera.attention(q, k, v, out=out, target=target), out)
                prepared = tessera.prepare(q, k, v, out=out)
                if not out.array.size:  # a stream that nothing is put into
                    prepared.launch(stream=STREAM)
                    tessera.attention(q, k, v, out=out, stream=STREAM)
                with self.assertRaises(errors.UnsupportedTargetError):
                    tessera.attention(q, k, v, out=out, target="host")
        del q, k, v, out, prepared
        gc.collect()
        self.assertEqual(live(), 0)

    def test_who_names_no_target(self):
        """What C leaves out: keys or lengths tell where an empty q lies, else a stream does."""
        with self.calls_with(target=None, has_device=0):
            for b, sq, skv in SIZES:
                if b and sq:
                    continue
                q, k = self.array(True, b, sq, 2, 64), self.array(True, b, skv, 2, 64)
                tessera.attention(q, k, k, out=q, stream=STREAM)  # which the host refuses
                tessera.attention(q, k, k, out=q)
            q, starts = self.array(True, 0, 2, 64), self.array(False, 2, kind=np.int32, value=7)
            options = dict(cu_seqlens_q=starts, cu_seqlens_kv=starts, max_seqlen_q=7)
            tessera.attention(q, q, q, out=q, **options)  # the host would read starts, and refuse

    def test_places_are_not_mixed(self):
        here = Producer(np.ones((0, 5, 2, 64), np.float16), device=HOST, null=True)
        there = self.array(True, 0, 5, 2, 64)
        for arrays in ((here, there, here), (there, there, here)):
            with self.assertRaises(errors.UnsupportedTargetError):
                tessera.attention(*arrays, out=there)

    def test_what_the_gpu_does_not_compute_is_refused(self):
        q = Producer(np.ones((0, 5, 2, 64), np.float32), device=CUDA, null=True)
        with self.assertRaisesRegex(errors.UnsupportedDTypeError, "f32"):
            tessera.attention(q, q, q, out=q)


if __name__ == "__main__":
    unittest.main()
