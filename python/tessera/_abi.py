"""The structs and enums of tessera.h, field by field."""

import ctypes
from ctypes import c_char_p, c_float, c_int32, c_int64, c_size_t, c_void_p

F32, F16, BF16, E4M3, E5M2, I32 = range(1, 7)

# By their values in tessera.h; the names are those of numpy, ml_dtypes and torch.
DTYPE_NAMES = ("", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "int32")
DTYPE_SIZES = (0, 4, 2, 2, 1, 1, 4)


class Tensor(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("data", c_void_p),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("shape", c_void_p),
        ("strides", c_void_p),
    ]


# Pointers to tensors are c_void_p: addresses of slots in a Frame.
class Attention(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("q", c_void_p),
        ("k", c_void_p),
        ("v", c_void_p),
        ("out", c_void_p),
        ("lse", c_void_p),
        ("has_scale", c_int32),
        ("scale", c_float),
        ("softcap", c_float),
        ("causal", c_int32),
        ("top_left", c_int32),
        ("has_window_left", c_int32),
        ("has_window_right", c_int32),
        ("window_left", c_int64),
        ("window_right", c_int64),
        ("sink_tokens", c_int64),
        ("sink_logits", c_void_p),
        ("alibi_slopes", c_void_p),
        ("cu_seqlens_q", c_void_p),
        ("cu_seqlens_kv", c_void_p),
        ("max_seqlen_q", c_int64),
        ("max_seqlen_kv", c_int64),
        ("seqused_kv", c_void_p),
        ("page_table", c_void_p),
        ("page_layout_hnd", c_int32),
        ("q_descale", c_void_p),
        ("k_descale", c_void_p),
        ("v_descale", c_void_p),
        ("checked", c_int32),
        ("block_m", c_int64),
        ("block_n", c_int64),
        ("target", c_char_p),
        ("stream", c_void_p),
        ("variant", c_int64),
        ("variant_arguments_count", c_size_t),
        ("variant_arguments", c_void_p),
        ("has_device", c_int32),
        ("device", c_int32),
    ]


class VariantArgument(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("name", c_char_p),
        ("tensor", c_void_p),
        ("is_index", c_int32),
        ("scalar", c_float),
        ("index", c_int64),
    ]


class Append(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("rows", c_void_p),
        ("cache", c_void_p),
        ("starts", c_void_p),
        ("cu_seqlens", c_void_p),
        ("max_seqlen", c_int64),
        ("page_table", c_void_p),
        ("page_layout_hnd", c_int32),
        ("cos", c_void_p),
        ("sin", c_void_p),
        ("positions", c_void_p),
        ("interleaved", c_int32),
        ("checked", c_int32),
        ("target", c_char_p),
        ("stream", c_void_p),
    ]
