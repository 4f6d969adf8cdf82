"""Nothing is kept after a call, and nothing dies during one."""

import gc
import sys
import tracemalloc
import unittest
import weakref

import numpy as np

import tessera
from producer import Producer, live


def arrays():
    rng = np.random.default_rng(5)
    return [rng.standard_normal((1, 4, 2, 16)).astype(np.float32) for _ in range(3)]


class LifetimeTest(unittest.TestCase):
    CALLS = 1000

    def many(self, call, *watched):
        """No reference and no memory more after many calls."""
        call()
        gc.collect()
        references = [sys.getrefcount(x) for x in watched]
        tracemalloc.start()
        try:
            for _ in range(50):  # caches of the interpreter fill
                call()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(self.CALLS):
                call()
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        self.assertEqual([sys.getrefcount(x) for x in watched], references)
        self.assertLess(grown, 8 * self.CALLS)  # less than one pointer for each

    def test_numpy(self):
        q, k, v = arrays()
        used, slopes = np.array([3], np.int32), np.ones(2, np.float32)
        self.many(
            lambda: tessera.attention(q, k, v, seqused_kv=used, alibi_slopes=slopes, return_lse=True),
            q, k, v, used, slopes, q.dtype, used.dtype,
        )  # fmt: skip

    def test_views_and_lists(self):
        q, k, v = (x.transpose(0, 2, 1, 3).copy().transpose(0, 2, 1, 3) for x in arrays())
        used, slopes = [3], [[0.5, 0.25]]
        self.many(
            lambda: tessera.attention(q, k, v, seqused_kv=used, alibi_slopes=slopes),
            q,
            k,
            v,
            used,
            slopes,
        )

    def test_dlpack(self):
        for versioned in (True, False):
            q, k, v = (Producer(x, versioned=versioned) for x in arrays())
            self.many(lambda: tessera.attention(q, k, v), q, k, v, q.array, v.array)
            self.assertEqual(live(), 0)

    def test_refused_calls(self):
        q, k, v = arrays()
        producer = Producer(k)

        def call():
            try:
                tessera.attention(q, producer, v, alibi_slopes=[1, 2, 3])
            except tessera.Error:
                pass

        self.many(call, q, v, producer)
        self.assertEqual(live(), 0)

    def test_append(self):
        rows, cache, _ = arrays()
        starts = np.array([0], np.int32)
        self.many(lambda: tessera.append(rows, cache, starts), rows, cache, starts)

    def test_kvcache(self):
        q, k, v = arrays()
        new = k[:, :1].copy()
        table = np.ones((8, 8), np.float32)
        used = np.array([2], np.int32)
        self.many(
            lambda: tessera.flash_attn.flash_attn_with_kvcache(
                q, k, v, new, new, table, table, used, cache_batch_idx=[0]
            ),
            q, k, v, new, table, used,
        )  # fmt: skip

    def test_the_output_is_the_callers_alone(self):
        q, k, v = arrays()
        out, lse = tessera.attention(q, k, v, return_lse=True)
        dead = [weakref.ref(out), weakref.ref(lse)]
        del out, lse
        self.assertEqual([ref() for ref in dead], [None, None])

    def test_temporaries_live_during_the_call(self):
        """Arguments that nobody else holds, and memory that is reused at once."""
        q, k, v = arrays()
        expected = tessera.attention(q, k, v, seqused_kv=[3], alibi_slopes=[0.5, 0.25])
        for _ in range(200):
            out = tessera.attention(
                q.copy(), Producer(k.copy()), Producer(v.copy(), versioned=False),
                seqused_kv=[3], alibi_slopes=np.array([0.5, 0.25], np.float32),
            )  # fmt: skip
            np.testing.assert_array_equal(out, expected)


if __name__ == "__main__":
    unittest.main()
