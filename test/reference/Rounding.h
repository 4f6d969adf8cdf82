// Rounding to the sixteen-bit formats, written from their definition.

#ifndef TESSERA_TEST_REFERENCE_ROUNDING_H
#define TESSERA_TEST_REFERENCE_ROUNDING_H

#include <cstdint>

namespace tessera::reference {

/// A dtype that attention is computed in: IEEE binary32, IEEE binary16, or
/// bfloat16 (the upper half of a binary32).
enum class Precision { f32, f16, bf16 };

/// The bits of `value` rounded to the nearest number of the format, ties to
/// even. Subnormals are kept, what is too large becomes infinity, the sign of
/// zero survives, and a NaN stays a NaN (quiet, with the upper bits of its
/// payload). `precision` is f16 or bf16.
uint16_t toBits(Precision precision, float value);

/// The number that `bits` stand for; exact. `precision` is f16 or bf16.
float fromBits(Precision precision, uint16_t bits);

/// `value` rounded to `precision` as by `toBits`. For f32 it is `value`.
float roundTo(Precision precision, float value);

/// The distance from 1 to the next larger number of the format.
double epsilon(Precision precision);

/// The smallest positive number of the format, a subnormal.
double smallest(Precision precision);

} // namespace tessera::reference

#endif // TESSERA_TEST_REFERENCE_ROUNDING_H
