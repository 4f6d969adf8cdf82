"""A GPU played by the host: torch tensors that say they are on one, calls that run on the host.

What the package does for tensors of a GPU, flash-attn's functions above all, gives the same
bits as for those of the host. Needs no GPU.
"""

import unittest
from unittest import mock

try:
    import torch
except ImportError:
    raise unittest.SkipTest("torch is not installed") from None

import tessera
from tessera import _attention, _frame, _torch
from tessera.flash_attn import flash_attn_func, flash_attn_varlen_func, flash_attn_with_kvcache

STREAM = 4096


class Gpu(torch.Tensor):
    is_cpu = property(lambda self: False)
    is_cuda = property(lambda self: True)

    def get_device(self):
        return 0


def there(x):
    return x.as_subclass(Gpu) if isinstance(x, torch.Tensor) else x


def empty(name, like, code, shape, stream):
    assert stream in (None, STREAM)
    made = torch.empty(shape, dtype=_torch._dtypes[code])
    return there(made), made.data_ptr()


_aim, _describe = _frame.Frame.aim, _attention.describe


def aim(frame, call, *rest):
    _aim(frame, call, *rest)
    if frame.device == 0:
        assert (call.target, call.stream) == (b"cuda", STREAM)
        call.target = call.stream = None


def describe(frame, *rest, **options):
    call, *outputs = _describe(frame, *rest, **options)
    assert (call.has_device, call.device) == (frame.device == 0, 0)
    call.has_device = 0
    return (call, *outputs)


def normal(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def ints(*values):
    return torch.tensor(values, dtype=torch.int32)


class SameTest(unittest.TestCase):
    def setUp(self):
        framework = _torch.framework()._replace(empty=empty, stream=lambda device: STREAM)
        for patch in (
            mock.patch.object(_frame.Frame, "aim", aim),
            mock.patch.object(_attention, "describe", describe),
            mock.patch.dict(_frame._frameworks, {Gpu: framework}),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def same(self, call, *tensors, **options):
        """The results of a call, and what it makes of its arguments."""
        runs = []
        for place in (lambda x: x, there):
            given = [x.clone() for x in tensors]
            named = {n: place(x) for n, x in options.items()}
            result = call(*map(place, given), **named)
            results = result if isinstance(result, tuple) else (result,)
            kind = type(place(given[0]))
            for x in results:
                self.assertIn(type(x), (kind, type(None)))
            plain = [x.as_subclass(torch.Tensor) for x in results if x is not None]
            runs.append(plain + given)
        for here, other in zip(*runs):
            self.assertTrue(torch.equal(here, other))

    def test_dense(self):
        q, k, v = normal(2, 5, 4, 16), normal(2, 9, 2, 16), normal(2, 9, 2, 16)
        self.same(tessera.attention, q, k, v, causal=True, return_lse=True)
        self.same(tessera.attention, q, k, v, alibi_slopes=normal(4), seqused_kv=ints(3, 9))
        self.same(flash_attn_func, q, k, v, window_size=(2, 0), return_attn_probs=True)

    def test_varlen(self):
        q, cu_q, cu_k = normal(10, 4, 16), ints(0, 3, 10), ints(0, 9, 25)
        packed, pages = normal(25, 2, 16), normal(4, 8, 2, 16)
        for k, block_table in ((packed, None), (pages, ints([0, 3], [1, 2]))):
            self.same(
                flash_attn_varlen_func, q, k, k, cu_q, cu_k, max_seqlen_q=7, max_seqlen_k=16,
                causal=True, block_table=block_table,
            )  # fmt: skip

    def test_kvcache(self):
        q, cache, new = normal(3, 2, 4, 16), normal(3, 32, 2, 16), normal(3, 2, 2, 16)
        angle = torch.arange(64)[:, None] / torch.tensor([1.0, 10, 100, 1000])
        rotary = {"rotary_cos": angle.cos(), "rotary_sin": angle.sin()}
        for options in ({}, {"causal": True}, rotary, {**rotary, "causal": True}):
            for lengths in (ints(4, 0, 20), 7):
                for more in (
                    {},
                    {"cache_batch_idx": ints(2, 0, 1)},
                    {"block_table": ints([0], [2], [1])},
                ):
                    with self.subTest(options=options, lengths=lengths, more=more):
                        self.same(
                            flash_attn_with_kvcache, q, cache, cache, k=new, v=new,
                            cache_seqlens=lengths, **options, **more,
                        )  # fmt: skip
        self.same(flash_attn_with_kvcache, q, cache, cache)
        self.same(flash_attn_with_kvcache, q, cache, cache, block_table=ints([0], [2], [1]))


if __name__ == "__main__":
    unittest.main()
