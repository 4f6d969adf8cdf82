//===- NonFinite.h - infinities and NaN, by short names -------------------===//

#ifndef TESSERA_TEST_UNIT_NONFINITE_H
#define TESSERA_TEST_UNIT_NONFINITE_H

#include <limits>

namespace tessera::test {

inline constexpr double inf = std::numeric_limits<double>::infinity();
inline constexpr float nan32 = std::numeric_limits<float>::quiet_NaN();
inline constexpr float inf32 = std::numeric_limits<float>::infinity();

} // namespace tessera::test

#endif // TESSERA_TEST_UNIT_NONFINITE_H
