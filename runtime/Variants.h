//===- Variants.h - the variants this process knows -----------------------===//

#ifndef TESSERA_RUNTIME_VARIANTS_H
#define TESSERA_RUNTIME_VARIANTS_H

#include "kernels/Variant.h"

#include "llvm/Support/Error.h"

namespace tessera {

/// Remembers a variant under the fingerprint of the IR of its functions, which
/// is the same in every process: `Key::variant`. Refuses a variant whose
/// functions make a mistake; the message says where. Thread-safe.
llvm::Expected<int64_t> registerVariant(Variant variant);

/// The variant with a fingerprint; 0 is the empty one. Refuses one that was
/// not registered.
llvm::Expected<Variant> findVariant(int64_t fingerprint);

} // namespace tessera

#endif // TESSERA_RUNTIME_VARIANTS_H
