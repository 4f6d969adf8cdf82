//===- variants.cpp - score and mask functions for other languages --------===//
//
// A shared library of variants, made with the public headers alone. A program
// of any language loads it beside libtessera.so, asks for a fingerprint by name,
// and gives it to its calls:
//
//   variants = ctypes.CDLL("libtessera-variants.so")
//   variants.tessera_variant.restype = ctypes.c_int64
//   relative_bias = variants.tessera_variant(b"relative_bias")
//   tessera.attention(q, k, v, variant=relative_bias,
//                     variant_arguments={"bias": bias, "reach": 4096})
//
//===----------------------------------------------------------------------===//

#include "tessera/variant.h"

#include <cstdio>
#include <string_view>

using namespace tessera;

/// A bias for each head and distance: f32 `[heads, 2 * reach + 1]`.
static Tile relativeBias(Program &p, Tile score, const ScorePlace &at) {
  FloatTable bias = p.floats("bias", 2);
  return score + bias.gather({at.head, at.col - at.row + p.index("reach")});
}

/// Documents that do not see each other: i32 `[batch, seqlen]`.
static Mask documentMask(Program &p, const ScorePlace &at) {
  IndexTable documents = p.integers("documents", 2);
  return documents.gather({at.batch, at.row}) == documents.gather({at.batch, at.col});
}

/// The fingerprint of a variant; 0 if there is none of this name.
extern "C" TESSERA_EXPORT int64_t tessera_variant(const char *name) {
  Variant variant;
  if (name == std::string_view("relative_bias"))
    variant.score = relativeBias;
  else if (name == std::string_view("documents"))
    variant.mask = documentMask;
  else
    return 0;
  Result<int64_t> fingerprint = registerVariant(variant);
  if (fingerprint)
    return *fingerprint;
  std::fprintf(stderr, "%s: %s\n", name, fingerprint.error().message.c_str());
  return 0;
}
