"""Calls from several threads, inside each other, and after a fork."""

import os
import threading
import time
import unittest

import numpy as np

import tessera
from producer import Producer


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


class ThreadsTest(unittest.TestCase):
    def test_concurrent_calls(self):
        """Each thread has its own sizes; some calls are refused."""
        failures = []

        def work(seed):
            q, k = normal(seed, 1, 3 + seed, 2, 16), normal(seed + 50, 1, 5 + seed, 2, 16)
            expected = tessera.attention(q, k, k, causal=True)
            lengths = np.array([4], np.int32)
            expected_used = tessera.attention(q, k, k, seqused_kv=lengths)
            for i in range(100):
                if not np.array_equal(tessera.attention(q, k, k, causal=True), expected):
                    failures.append((seed, i))
                if not np.array_equal(tessera.attention(q, k, k, seqused_kv=[4]), expected_used):
                    failures.append((seed, i, "used"))
                try:
                    tessera.attention(q, k, k, seqused_kv=[6 + seed])
                    failures.append((seed, i, "not refused"))
                except tessera.errors.InvalidLengthsError as error:
                    if error.found != str(6 + seed):
                        failures.append((seed, i, error.message))

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

    def test_others_run_during_a_call(self):
        """The kernel holds no interpreter lock."""
        q = normal(0, 1, 2048, 8, 64)
        ticks, done = [], threading.Event()

        def tick():
            while not done.is_set():
                ticks.append(time.perf_counter())
                time.sleep(0.001)

        tessera.attention(q[:, :1], q, q)
        tessera.attention(q[:, :64], q[:, :64], q[:, :64])
        thread = threading.Thread(target=tick)
        thread.start()
        begin = time.perf_counter()
        tessera.attention(q, q, q)
        end = time.perf_counter()
        done.set()
        thread.join()
        during = [t for t in ticks if begin + 0.1 * (end - begin) < t < begin + 0.9 * (end - begin)]
        self.assertTrue(during, f"no other thread ran in {end - begin} s")

    def test_a_call_inside_a_call(self):
        """An array whose export computes attention itself."""
        x = normal(1, 1, 4, 2, 16)
        expected = tessera.attention(x, x, x)

        class Nested(Producer):
            def __dlpack__(self, **kwargs):
                np.testing.assert_array_equal(tessera.attention(x, x, x), expected)
                return super().__dlpack__(**kwargs)

        np.testing.assert_array_equal(tessera.attention(x, Nested(x), Nested(x)), expected)

    def test_after_a_fork(self):
        """The threads of the engine stay in the parent; the child makes its own."""
        x = normal(2, 2, 300, 8, 64)
        expected = tessera.attention(x, x, x)
        child = os.fork()
        if child == 0:
            same = np.array_equal(tessera.attention(x, x, x), expected)
            os._exit(0 if same else 1)
        deadline = time.monotonic() + 60
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            if time.monotonic() > deadline:
                os.kill(child, 9)
                os.waitpid(child, 0)
                self.fail("the child hangs")
            time.sleep(0.01)
        self.assertEqual(status, 0)


if __name__ == "__main__":
    unittest.main()
