"""torch tensors: no copies, every type, against the reference and torch's own attention."""

import unittest

import numpy as np

try:
    import torch
except ImportError:
    raise unittest.SkipTest("torch is not installed") from None

import reference
import tessera
from tessera import errors
from tessera.flash_attn import flash_attn_func, flash_attn_with_kvcache

TOLERANCE = {torch.float32: 2e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}


def normal(*shape, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape))).to(dtype)


def sdpa(q, k, v, **options):
    q, k, v = (x.double().transpose(1, 2) for x in (q, k, v))
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True, **options)
    return out.transpose(1, 2)


class TorchTest(unittest.TestCase):
    def close(self, found, expected, tolerance=2e-5):
        torch.testing.assert_close(
            found.double(), expected.double(), atol=tolerance, rtol=tolerance
        )

    def test_against_torch(self):
        for dtype, tolerance in TOLERANCE.items():
            with self.subTest(dtype):
                q, k, v = (normal(2, 33, h, 64, dtype=dtype) for h in (8, 2, 2))
                out = tessera.attention(q, k, v)
                self.assertIs(type(out), torch.Tensor)
                self.assertEqual((out.dtype, out.shape), (dtype, q.shape))
                self.close(out, sdpa(q, k, v), tolerance)
                out, lse = tessera.attention(q, k, v, causal=True, return_lse=True)
                self.close(out, sdpa(q, k, v, is_causal=True), tolerance)
                self.assertEqual((lse.dtype, lse.shape), (torch.float32, (2, 8, 33)))
                self.close(flash_attn_func(q, k, v, causal=True), out, 0)

    def test_float8(self):
        for name in ("float8_e4m3fn", "float8_e5m2"):
            q, k, v = (normal(2, 6, 2, 16).to(getattr(torch, name)) for _ in range(3))
            scale = torch.tensor([[0.5, 2.0], [1.0, 0.25]])
            out = tessera.attention(q, k, v, k_descale=scale, v_descale=2.0)
            self.assertEqual(out.dtype, torch.bfloat16)
            arrays = [x.double().numpy() for x in (q, k, v)]
            expected = reference.batch(*arrays, k_descale=scale.numpy(), v_descale=2.0)[0]
            self.close(out, torch.from_numpy(np.stack(expected)), 8e-2)

    def test_nothing_is_copied(self):
        both = normal(2, 9, 3, 4, 16)
        q, k, v = both.unbind(2)
        self.close(tessera.attention(q, k, v), sdpa(q, k, v))
        out = torch.full((2, 4, 9, 16), 7.0).transpose(1, 2)
        address = out.data_ptr()
        self.assertIs(tessera.attention(q, k, v, out=out), out)
        self.assertEqual(out.data_ptr(), address)
        self.close(out, sdpa(q, k, v))
        cache, rows = torch.zeros(2, 16, 4, 16), normal(2, 3, 4, 16)
        tessera.append(rows, cache, torch.tensor([1, 5], dtype=torch.int32))
        self.close(cache[0, 1:4], rows[0], 0)
        self.close(cache[1, 5:8], rows[1], 0)

    def test_memory_is_shared_with_numpy(self):
        q = normal(1, 5, 2, 16)
        mixed = tessera.attention(q, q.numpy(), q)
        self.assertIs(type(mixed), torch.Tensor)
        self.close(mixed, sdpa(q, q, q))
        self.assertIs(type(tessera.attention(q.numpy(), q, q)), np.ndarray)

    def test_kvcache(self):
        lengths = torch.tensor([4, 0], dtype=torch.int32)
        for dtype in (torch.float32, torch.bfloat16):
            k_cache, v_cache = normal(2, 16, 2, 16, dtype=dtype), normal(2, 16, 2, 16, dtype=dtype)
            q, new = normal(2, 1, 4, 16, dtype=dtype), normal(2, 1, 2, 16, dtype=dtype)
            angle = torch.arange(32)[:, None] / torch.tensor([1.0, 10, 100, 1000])
            cos, sin = angle.cos().to(dtype), angle.sin().to(dtype)
            out = flash_attn_with_kvcache(
                q,
                k_cache,
                v_cache,
                new,
                new,
                cos,
                sin,
                lengths,
                causal=True,
                rotary_interleaved=False,
            )
            self.assertEqual(out.dtype, dtype)
            tables = cos.double().numpy(), sin.double().numpy()
            for b, n in enumerate(lengths.tolist()):
                turned = reference.rotate(q[b].double().numpy(), *tables, np.array([n]), False)
                k, v = k_cache[b, : n + 1].double().numpy(), v_cache[b, : n + 1].double().numpy()
                self.close(v_cache[b, n], new[b, 0], 0)
                key = reference.rotate(new[b].double().numpy(), *tables, np.array([n]), False)
                self.close(k_cache[b, n], torch.from_numpy(key[0]), TOLERANCE[dtype])
                expected, _ = reference.sequence(turned, k, v)
                self.close(out[b], torch.from_numpy(expected), TOLERANCE[dtype])

    def test_parameters_and_gradients(self):
        x = torch.nn.Parameter(normal(1, 3, 2, 16))
        with self.assertRaises(errors.UnsupportedArgumentError) as context:
            tessera.attention(x, x, x)
        self.assertIn("requires grad", context.exception.found)
        expected = tessera.attention(x.detach(), x.detach(), x.detach())
        with torch.no_grad():
            self.close(tessera.attention(x, x, x), expected, 0)

    def test_refusals(self):
        x = normal(1, 3, 2, 16)
        for kind, subject, found, argument in (
            (errors.UnsupportedDTypeError, "q.dtype", "float64", x.double()),
            (errors.UnsupportedTargetError, "q.device", "meta", x.to("meta")),
            (errors.UnsupportedArgumentError, "q", "torch.sparse_coo", x.to_sparse()),
        ):
            with self.assertRaises(kind) as context:
                tessera.attention(argument, x, x)
            self.assertEqual((context.exception.subject, context.exception.found), (subject, found))
        with self.assertRaises(errors.UnsupportedDTypeError) as context:
            tessera.attention(x, x, x, seqused_kv=torch.tensor([3]))
        self.assertEqual(context.exception.found, "int64")


if __name__ == "__main__":
    unittest.main()
