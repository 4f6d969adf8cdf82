"""What a type checker sees of the package."""

import tessera
from tessera.flash_attn import flash_attn_func


def attend(q: object, k: object, v: object) -> object:
    key: str = tessera.check("f32,d64")
    known: bool = tessera.supports(key)
    text: str = tessera.compile(key, "llvm") + tessera.version
    try:
        out, lse = tessera.attention(q, k, v, causal=known, window=(None, 3), return_lse=True)
        tessera.append(q, k, [0], interleaved=True)
        prepared: tessera.Prepared = tessera.prepare(q, k, v, causal=known)
        prepared.launch(stream=0)
        return prepared.out, flash_attn_func(q, k, v, causal=True), out, lse, text
    except tessera.errors.InvalidShapeError as error:
        status: tessera.Status = error.status
        return status, error.nearest
