//===- Refusal.cpp - why a key or a call is refused -----------------------===//

#include "dsl/Refusal.h"

#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace tessera {

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
