//===- variant.h - attention with functions of one's own ------------------===//
//
//   tessera::Variant soft;
//   soft.score = [](tessera::Program &p, tessera::Tile score, const tessera::ScorePlace &at) {
//     return score + p.floats("bias", 2).gather({at.head, at.row - at.col});
//   };
//   tessera::Result<int64_t> variant = tessera::registerVariant(soft);
//   ...
//   call.variant = *variant;
//   call.variantArguments = {{"bias", tessera::TensorRef(bias, {heads, distances})}};
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_TESSERA_VARIANT_H
#define TESSERA_TESSERA_VARIANT_H

#include "tessera/kernels/Variant.h"
#include "tessera/tessera.h"

#include <utility>

namespace tessera {

namespace detail {
TESSERA_EXPORT tessera_status registerVariant(const Variant &variant, int64_t *fingerprint,
                                              tessera_error **error);
} // namespace detail

/// Makes a variant known to this process. The result goes into
/// `AttentionCall::variant`; it names the functions by what they compute, so it
/// is the same in every process and for functions registered twice. They are
/// called now and whenever a kernel is compiled, in any thread; they must not
/// throw. Refused is a variant whose functions make a mistake (tiles that do not
/// fit, say): the message gives file and line.
inline Result<int64_t> registerVariant(Variant variant) {
  // What is thrown here must not fly through the library.
  if (variant.score)
    variant.score = [score = std::move(variant.score)](Program &program, Tile tile,
                                                       const ScorePlace &place) noexcept {
      return score(program, tile, place);
    };
  if (variant.mask)
    variant.mask = [mask = std::move(variant.mask)](Program &program,
                                                    const ScorePlace &place) noexcept {
      return mask(program, place);
    };
  int64_t fingerprint = 0;
  tessera_error *error = nullptr;
  detail::registerVariant(variant, &fingerprint, &error);
  if (error)
    return detail::take(error);
  return fingerprint;
}

} // namespace tessera

#endif // TESSERA_TESSERA_VARIANT_H
