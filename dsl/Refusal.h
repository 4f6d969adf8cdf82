//===- Refusal.h - why a key or a call is refused -------------------------===//

#ifndef TESSERA_DSL_REFUSAL_H
#define TESSERA_DSL_REFUSAL_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace tessera {

/// What kind of mistake was found. The numbers are part of the C interface.
enum class ErrorCode : int {
  invalidKey = 1,         ///< a key's text or fields contradict each other
  unsupportedDType = 2,   ///< a type, or a mix of types, that no kernel has
  unsupportedHeadDim = 3, ///< a width that no kernel has
  invalidRank = 4,        ///< a tensor with too many or too few dimensions
  invalidShape = 5,       ///< an extent that does not fit the other tensors
  invalidStride = 6,      ///< rows that are not contiguous, outputs that share memory
  misaligned = 7,         ///< an address that is no multiple of the element's size
  missingTensor = 8,      ///< no data, or one of two tensors that belong together
  invalidValue = 9,       ///< a number outside of its range
  invalidLengths = 10,    ///< cu_seqlens that decrease, lengths beyond the cache
  invalidPages = 11,      ///< page size, page table or page numbers
  overlap = 12,           ///< an output that shares memory with another tensor
  unknownVariant = 13,    ///< a fingerprint that no registered variant has
  unsupportedTarget = 14, ///< a machine there are no kernels for
  internalError = 15,     ///< not the caller's mistake
};

/// The code's name in the C interface: "TESSERA_INVALID_KEY".
llvm::StringRef str(ErrorCode code);

/// A refusal: nothing was computed and nothing written.
class Refusal : public llvm::ErrorInfo<Refusal> {
public:
  static char ID;

  Refusal(ErrorCode code, std::string subject, std::string found, std::string expected,
          std::string nearest = "")
      : code(code), subject(std::move(subject)), found(std::move(found)),
        expected(std::move(expected)), nearest(std::move(nearest)) {}

  ErrorCode code;
  std::string subject;  ///< what is wrong: `q.shape[3]`, `window_left`, `key`
  std::string found;    ///< the offending value
  std::string expected; ///< what it should have been
  std::string nearest;  ///< the nearest supported value or key; may be empty

  /// `subject is found, expected expected; the nearest is nearest`.
  std::string message() const override;
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;
};

/// A refusal as an error.
llvm::Error refuse(ErrorCode code, std::string subject, std::string found, std::string expected,
                   std::string nearest = "");

} // namespace tessera

#endif // TESSERA_DSL_REFUSAL_H
