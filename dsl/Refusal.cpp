//===- Refusal.cpp - why a key or a call is refused -----------------------===//

#include "dsl/Refusal.h"

#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace tessera {

StringRef str(ErrorCode code) {
  switch (code) {
  case ErrorCode::invalidKey:
    return "TESSERA_INVALID_KEY";
  case ErrorCode::unsupportedDType:
    return "TESSERA_UNSUPPORTED_DTYPE";
  case ErrorCode::unsupportedHeadDim:
    return "TESSERA_UNSUPPORTED_HEAD_DIM";
  case ErrorCode::invalidRank:
    return "TESSERA_INVALID_RANK";
  case ErrorCode::invalidShape:
    return "TESSERA_INVALID_SHAPE";
  case ErrorCode::invalidStride:
    return "TESSERA_INVALID_STRIDE";
  case ErrorCode::misaligned:
    return "TESSERA_MISALIGNED";
  case ErrorCode::missingTensor:
    return "TESSERA_MISSING_TENSOR";
  case ErrorCode::invalidValue:
    return "TESSERA_INVALID_VALUE";
  case ErrorCode::invalidLengths:
    return "TESSERA_INVALID_LENGTHS";
  case ErrorCode::invalidPages:
    return "TESSERA_INVALID_PAGES";
  case ErrorCode::overlap:
    return "TESSERA_OVERLAP";
  case ErrorCode::unknownVariant:
    return "TESSERA_UNKNOWN_VARIANT";
  case ErrorCode::unsupportedTarget:
    return "TESSERA_UNSUPPORTED_TARGET";
  case ErrorCode::internalError:
    return "TESSERA_INTERNAL_ERROR";
  }
  llvm_unreachable("unknown code");
}

char Refusal::ID = 0;

std::string Refusal::message() const {
  std::string text = subject + " is " + found + ", expected " + expected;
  if (!nearest.empty())
    text += "; the nearest is " + nearest;
  return text;
}

void Refusal::log(raw_ostream &os) const { os << message(); }

std::error_code Refusal::convertToErrorCode() const {
  return std::make_error_code(std::errc::invalid_argument);
}

Error refuse(ErrorCode code, std::string subject, std::string found, std::string expected,
             std::string nearest) {
  return make_error<Refusal>(code, std::move(subject), std::move(found), std::move(expected),
                             std::move(nearest));
}

} // namespace tessera
