"""Tensors of a GPU.

What is refused before the library is asked is tested everywhere, on arrays that only say they
are there. What is computed needs torch and a GPU; without a driver the library refuses the
target.
"""

import ctypes
import gc
import os
import threading
import unittest

import numpy as np

import reference
import tessera
from producer import Producer, live
from tessera import _memory, errors
from tessera.flash_attn import flash_attn_varlen_func, flash_attn_with_kvcache

try:
    import torch
except ImportError:
    torch = None

HAS_GPU = bool(torch and torch.cuda.is_available())


def has_driver():
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def zeros(*shape, dtype="float32", device=0, **options):
    return Producer(np.zeros(shape, dtype), device=(2, device), **options)


class RefusalTest(unittest.TestCase):
    def setUp(self):
        self.x = zeros(1, 3, 2, 16)

    def tearDown(self):
        gc.collect()
        self.assertEqual(live(), 0)

    def refused(self, message, *, call=tessera.attention, kind=errors.UnsupportedTargetError,
                q=None, k=None, v=None, **options):  # fmt: skip
        options.setdefault("out", self.x)
        with self.assertRaises(kind) as context:
            call(q or self.x, k or self.x, v or self.x, **options)
        self.assertIs(type(context.exception), kind)
        self.assertEqual(str(context.exception), message)

    def test_devices_are_not_mixed(self):
        here, other = np.zeros((1, 3, 2, 16), np.float32), zeros(1, 3, 2, 16, device=1)
        for call in (tessera.attention, tessera.prepare, tessera.explain):
            for name in ("k", "v", "out"):
                where = "expected cuda:0, where q lies"
                self.refused(f"{name}.device is cpu, {where}", call=call, **{name: Producer(here)})
                self.refused(f"{name}.device is cuda:1, {where}", call=call, **{name: other})
            self.refused(
                "k.device is cuda:0, expected cpu, where q lies", call=call, q=Producer(here)
            )

    def test_tables_lie_there_too(self):
        where = "on cuda:0, where q lies: nothing is copied there"
        for name, kind, lists in (
            ("seqused_kv", "int32", ([3], (3,), range(3, 4))),
            ("cu_seqlens_q", "int32", ([0, 3],)),
            ("page_table", "int32", ([[0]],)),
            ("alibi_slopes", "float32", ([0.5, 0.25],)),
            ("sink_logits", "float32", ([0.5, 0.25],)),
            ("k_descale", "float32", (0.5, 2, [[1.0, 1.0]])),
        ):
            for value in lists:
                found = f"a {type(value).__name__}, expected an array of {kind} {where}"
                self.refused(f"{name} is {found}", **{name: value})
            array = np.asarray(lists[-1], kind)
            found = "cpu, expected cuda:0, where q lies"
            self.refused(f"{name}.device is {found}", **{name: array})

    def test_target(self):
        self.refused('target is "host", expected "cuda": q lies on cuda:0', target="host")
        here = np.zeros((1, 3, 2, 16), np.float32)
        for call in (tessera.attention, tessera.prepare):
            with self.assertRaises(errors.UnsupportedTargetError) as context:
                call(here, here, here, target="cuda")
            message = 'target is "cuda", expected "host": q lies on cpu'
            self.assertEqual(str(context.exception), message)

    def test_new_outputs(self):
        how = "expected an array of float32 to write to on cuda:0: DLPack makes no new ones"
        kind = errors.MissingTensorError
        self.refused(f"out is not given, {how}", kind=kind, out=None)
        self.refused(f"lse is not given, {how}", kind=kind, return_lse=True)

    def test_append(self):
        cache, starts = zeros(1, 8, 2, 16), zeros(1, dtype="int32")
        for found, arguments in (
            ("starts.device is cpu", [cache, Producer(np.int32([0]))]),
            ("cache.device is cuda:1", [zeros(1, 8, 2, 16, device=1), starts]),
        ):
            with self.assertRaises(errors.UnsupportedTargetError) as context:
                tessera.append(self.x, *arguments)
            message = f"{found}, expected cuda:0, where rows lies"
            self.assertEqual(str(context.exception), message)
        with self.assertRaisesRegex(errors.UnsupportedTargetError, "^starts is a list"):
            tessera.append(self.x, cache, [0])

    def test_flash_attn(self):
        """Nothing there is read to make tables of."""
        cache = zeros(1, 8, 2, 16)
        for seqlens, message in (
            (5, "cache_seqlens is 5, expected an int32 array on the GPU of q"),
            ([5], "cache_seqlens is a list, expected an array of int32 on cuda:0, where q lies: "
                  "nothing is copied there"),
            (np.int32([5]), "cache_seqlens.device is cpu, expected cuda:0, where q lies"),
        ):  # fmt: skip
            with self.assertRaises(errors.UnsupportedTargetError) as context:
                flash_attn_with_kvcache(self.x, cache, cache, cache_seqlens=seqlens)
            self.assertEqual(str(context.exception), message)
        q = zeros(3, 2, 16)
        with self.assertRaisesRegex(errors.UnsupportedTargetError, "^cu_seqlens_k is a list"):
            flash_attn_varlen_func(
                q, cache, cache, zeros(2, dtype="int32"), [0, 3], 3, 3,
                block_table=zeros(1, 1, dtype="int32"),
            )  # fmt: skip

    def test_arrays_are_exported_for_the_stream(self):
        class Stream:
            cuda_stream = 4096

        for stream, expected in ((None, 1), (0, 1), (4096, 4096), (Stream(), 4096)):
            for versioned in (True, False):
                q, k, slopes = (
                    Producer(np.zeros(shape, np.float32), device=(2, 0), versioned=versioned)
                    for shape in ((1, 3, 2, 16), (1, 3, 2, 16), (2,))
                )
                with self.assertRaises(errors.UnsupportedTargetError):
                    tessera.attention(
                        q, k, k, out=Producer(q.array), alibi_slopes=slopes, stream=stream
                    )
                self.assertEqual(set(q.streams + k.streams), {expected})
        with self.assertRaises(errors.InvalidValueError):
            tessera.attention(self.x, self.x, self.x, stream="side")

    @unittest.skipIf(has_driver(), "there is a driver")
    def test_without_a_driver(self):
        for call in (tessera.attention, tessera.prepare):
            for target in (None, "cuda"):
                with self.assertRaises(errors.UnsupportedTargetError):
                    call(self.x, self.x, self.x, out=zeros(1, 3, 2, 16), target=target)
        with self.assertRaises(errors.UnsupportedTargetError):
            tessera.append(self.x, zeros(1, 8, 2, 16), zeros(1, dtype="int32"))


class PreparedTest(unittest.TestCase):
    """Calls on the CPU: launches read what the tensors hold then."""

    def test_launch(self):
        rng = np.random.default_rng(6)
        q, k, v = (rng.standard_normal((1, 5, 2, 16)).astype(np.float32) for _ in range(3))
        prepared = tessera.prepare(q, k, v, causal=True, alibi_slopes=[0.5, 0.25], return_lse=True)
        for _ in range(3):
            q += 1
            prepared.launch()
            out, lse = reference.batch(q, k, v, causal=True, alibi_slopes=[0.5, 0.25])
            np.testing.assert_allclose(prepared.out, np.stack(out), 2e-5, 2e-5)
            np.testing.assert_allclose(prepared.lse, np.stack(lse), 2e-5, 2e-5)
        with self.assertRaises(errors.InvalidValueError):
            prepared.launch(stream=5)
        out = np.zeros_like(q)
        prepared = tessera.prepare(q, k, v, out=out)
        self.assertIs(prepared.out, out)
        self.assertIsNone(prepared.lse)
        with self.assertRaises(TypeError):
            tessera.prepare(q, k, v, casual=True)
        with self.assertRaises(errors.InvalidShapeError):
            tessera.prepare(q, k[:, :, :1], v)

    def test_lives_as_long_as_it_is_needed(self):
        k = Producer(np.ones((1, 5, 2, 16), np.float32))
        prepared = tessera.prepare(k.array.copy(), k, k.array.copy(), seqused_kv=[3])
        gc.collect()
        self.assertEqual((live(), k.released), (1, 0))
        prepared.launch()
        np.testing.assert_allclose(prepared.out, 1, 1e-6)
        del prepared
        gc.collect()
        self.assertEqual((live(), k.released), (0, 1))

    def test_threads(self):
        q = np.ones((1, 5, 2, 16), np.float32)
        prepared = [tessera.prepare(q, q, q) for _ in range(4)]
        threads = [threading.Thread(target=p.launch) for p in prepared]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for p in prepared:
            np.testing.assert_allclose(p.out, 1, 1e-6)

    def test_after_a_fork(self):
        q = np.ones((1, 5, 2, 16), np.float32)
        prepared = tessera.prepare(q, q, q)
        child = os.fork()
        if not child:
            status = 1
            try:
                prepared.launch()
            except errors.InvalidValueError as error:
                status = 0 if error.subject == "prepared" else 2
            finally:
                os._exit(status)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        prepared.launch()


@unittest.skipUnless(HAS_GPU, "no GPU")
class ComputedTest(unittest.TestCase):
    """On a GPU, against torch in float64."""

    TOLERANCE = 2e-2

    def normal(self, *shape, dtype=None):
        return torch.randn(*shape, device="cuda").to(dtype or torch.bfloat16)

    def close(self, found, expected, tolerance=TOLERANCE):
        torch.testing.assert_close(
            found.double(), expected.double(), atol=tolerance, rtol=tolerance
        )

    def expected(self, q, k, v, causal=False):
        q, k, v = (x.double().transpose(1, 2) for x in (q, k, v))
        out = torch.nn.functional.scaled_dot_product_attention(
            q, k, v, is_causal=causal, enable_gqa=True
        )
        return out.transpose(1, 2)

    def test_dense(self):
        for dtype in (torch.bfloat16, torch.float16):
            for width in (64, 128):
                q, k, v = (self.normal(2, 300, h, width, dtype=dtype) for h in (8, 2, 2))
                out, lse = tessera.attention(q, k, v, causal=True, return_lse=True)
                self.assertEqual((out.device, out.dtype, out.shape), (q.device, dtype, q.shape))
                self.assertEqual((lse.dtype, lse.shape), (torch.float32, (2, 8, 300)))
                self.close(out, self.expected(q, k, v, True))
                self.close(tessera.attention(q, k, v), self.expected(q, k, v))

    def test_empty(self):
        """Without elements torch gives no address."""
        for b, sq, skv in ((0, 5, 9), (2, 0, 9), (2, 5, 0), (0, 0, 0)):
            q, k = self.normal(b, sq, 4, 64), self.normal(b, skv, 2, 64)
            out, lse = tessera.attention(q, k, k, causal=True, return_lse=True)
            self.assertEqual((out.device, out.shape, lse.shape), (q.device, q.shape, (b, 4, sq)))
            self.assertTrue((out == 0).all() and (lse == -float("inf")).all())
            tessera.prepare(q, k, k).launch()

    def test_strides_and_out(self):
        q, k, v = self.normal(2, 128, 3, 4, 64).unbind(2)
        out = torch.zeros(2, 4, 128, 64, device="cuda", dtype=torch.bfloat16).transpose(1, 2)
        self.assertIs(tessera.attention(q, k, v, out=out), out)
        self.close(out, self.expected(q, k, v))

    def test_streams(self):
        q, k, v = (self.normal(1, 2048, 8, 64) for _ in range(3))
        expected = self.expected(q, k, v)
        self.close(tessera.attention(q, k, v), expected)  # compiles, which takes longer than what follows
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # torch's current stream
            torch.cuda._sleep(10_000_000)
            out = tessera.attention(q, k, v)
            self.assertFalse(side.query())  # the call did not wait
        side.synchronize()
        self.close(out, expected)
        torch.cuda._sleep(10_000_000)
        out = tessera.attention(q, k, v, stream=side)
        side.synchronize()
        self.close(out, expected)

    def test_prepared_and_graph(self):
        q, k, v = (self.normal(1, 256, 8, 64) for _ in range(3))
        prepared = tessera.prepare(q, k, v, causal=True)
        prepared.launch()
        self.close(prepared.out, self.expected(q, k, v, True))
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            prepared.launch()
        q.copy_(self.normal(*q.shape))
        prepared.out.zero_()
        graph.replay()
        self.close(prepared.out, self.expected(q, k, v, True))

    def test_varlen(self):
        lengths = [100, 0, 300, 17]
        starts = [sum(lengths[:i]) for i in range(len(lengths) + 1)]
        q, k, v = (self.normal(starts[-1], 4, 64) for _ in range(3))
        cu = torch.tensor(starts, dtype=torch.int32, device="cuda")
        out = flash_attn_varlen_func(q, k, v, cu, cu, 300, 300, causal=True)
        for begin, end in zip(starts, starts[1:]):
            part = [x[None, begin:end] for x in (q, k, v)]
            self.close(out[None, begin:end], self.expected(*part, True))
        with self.assertRaises(tessera.Error):  # not read from the GPU
            tessera.attention(q, k, v, cu_seqlens_q=cu, cu_seqlens_kv=cu)

    def test_other_threads(self):
        q, k, v = (self.normal(1, 256, 8, 64) for _ in range(3))
        results = []
        thread = threading.Thread(target=lambda: results.append(tessera.attention(q, k, v)))
        thread.start()
        thread.join()
        self.close(results[0], self.expected(q, k, v))

    def test_dlpack(self):
        """Arrays that are known by DLPack alone."""

        class Wrapped:
            def __init__(self, tensor):
                self.tensor = tensor

            def __dlpack_device__(self):
                return self.tensor.__dlpack_device__()

            def __dlpack__(self, **options):
                return self.tensor.__dlpack__(**options)

        q, k, v = (self.normal(1, 256, 8, 64) for _ in range(3))
        out = torch.empty_like(q)
        tessera.attention(*map(Wrapped, (q, k, v)), out=Wrapped(out))
        torch.cuda.synchronize()
        self.close(out, self.expected(q, k, v))

    def test_mixed_devices_are_refused(self):
        q = self.normal(1, 16, 2, 64)
        for k in (q.cpu(), q.cpu().float().numpy()):
            with self.assertRaises(errors.UnsupportedTargetError) as context:
                tessera.attention(q, k, q)
            self.assertEqual(context.exception.subject, "k.device")
            self.assertEqual(context.exception.found, "cpu")

    @unittest.skipUnless(HAS_GPU and torch.cuda.device_count() > 1, "one GPU")
    def test_a_device_that_is_not_current(self):
        q, k, v = (self.normal(1, 256, 8, 64).to("cuda:1") for _ in range(3))
        torch.cuda.synchronize(1)
        out = tessera.attention(q, k, v)
        prepared = tessera.prepare(q, k, v)
        prepared.launch()
        self.assertEqual(torch.cuda.current_device(), 0)
        self.assertEqual(out.device, q.device)
        self.close(out, self.expected(q, k, v))
        self.close(prepared.out, out, 0)


if __name__ == "__main__":
    unittest.main()
