// Rounding to the formats of sixteen and eight bits, written from their definition.

#ifndef TESSERA_TEST_REFERENCE_ROUNDING_H
#define TESSERA_TEST_REFERENCE_ROUNDING_H

#include <cstdint>

namespace tessera::reference {

/// A dtype of an input or an output: IEEE binary32, IEEE binary16, bfloat16
/// (the upper half of a binary32), and the two eight-bit formats of the OCP.
/// e5m2 is the upper half of a binary16. e4m3 is "e4m3fn": bias 7, no
/// infinity, its largest number is 448 and only 0x7f and 0xff are NaN.
enum class Precision { f32, f16, bf16, e4m3, e5m2 };

/// The bits of `value` rounded to the nearest number of the format, ties to
/// even. Subnormals are kept, the sign of zero survives, and a NaN stays a NaN
/// (quiet, with the upper bits of its payload). What is too large becomes
/// infinity, in e4m3 NaN; nothing saturates. The bits of an eight-bit format
/// are the low byte. `precision` is not f32.
uint16_t toBits(Precision precision, float value);

/// The number that `bits` stand for; exact. Of an eight-bit format only the low
/// byte is read. `precision` is not f32.
float fromBits(Precision precision, uint16_t bits);

/// `value` rounded to `precision` as by `toBits`. For f32 it is `value`.
float roundTo(Precision precision, float value);

/// The distance from 1 to the next larger number of the format.
double epsilon(Precision precision);

/// The smallest positive number of the format, a subnormal.
double smallest(Precision precision);

} // namespace tessera::reference

#endif // TESSERA_TEST_REFERENCE_ROUNDING_H
