//===- CInterfaceVariant.cpp - what tessera/variant.h calls ---------------===//

#include "runtime/CInterface.h"
#include "runtime/Variants.h"

using namespace llvm;
using namespace tessera;

namespace tessera::detail {
// Declared in tessera/variant.h, which speaks of the C++ interface and so
// cannot be included here.
TESSERA_EXPORT tessera_status registerVariant(const Variant &variant, int64_t *fingerprint,
                                              tessera_error **error);
} // namespace tessera::detail

tessera_status tessera::detail::registerVariant(const Variant &variant, int64_t *fingerprint,
                                                tessera_error **error) {
  auto remember = [&]() -> Error {
    Expected<int64_t> registered = tessera::registerVariant(variant);
    if (!registered)
      return registered.takeError();
    *fingerprint = *registered;
    return Error::success();
  };
  // The functions are the caller's; the message says where they err.
  return c::finish(remember(), error, {TESSERA_INVALID_VALUE, "variant"});
}
