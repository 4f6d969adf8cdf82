//===- UserExamples.h - variants that a user might write ------------------===//

#ifndef TESSERA_TEST_KERNELS_USEREXAMPLES_H
#define TESSERA_TEST_KERNELS_USEREXAMPLES_H

#include "kernels/Variant.h"
#include "test/kernels/Case.h"

#include <span>

namespace tessera::test {

/// A variant, and the same for the reference.
struct UserExample {
  const char *name;
  Variant variant;
  /// Draws arguments for a case, and sets the problem's functions.
  void (*setUp)(Case &c, Draw &draw);
};

std::span<const UserExample> userExamples();

/// Has a case run an example.
void use(Case &c, const UserExample &example, Draw &draw);

} // namespace tessera::test

#endif // TESSERA_TEST_KERNELS_USEREXAMPLES_H
