#include "test/reference/Rounding.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

using namespace tessera::reference;

namespace {

/// Sign, exponent and mantissa, from the top. The number of exponent e and
/// mantissa m is `2^(e - bias) * 1.m`, and `2^(1 - bias) * 0.m` if e is 0.
struct Format {
  int bits, mantissaBits, bias;
  /// The magnitude of what is too large. Larger magnitudes are NaN.
  uint32_t overflow;
  bool overflowIsNan = false;

  uint32_t signBit() const { return uint32_t(1) << (bits - 1); }
  int smallestExponent() const { return 1 - bias - mantissaBits; }
};

constexpr Format f32{32, 23, 127, 0x7f800000};
constexpr Format f16{16, 10, 15, 0x7c00};
constexpr Format bf16{16, 7, 127, 0x7f80};
constexpr Format e4m3{8, 3, 7, 0x7f, true};
constexpr Format e5m2{8, 2, 15, 0x7c};

constexpr uint32_t hiddenBit = uint32_t(1) << f32.mantissaBits; // the leading one of an f32
constexpr uint32_t quietBit = hiddenBit >> 1;                   // of an f32 NaN

} // namespace

static const Format &formatOf(Precision precision) {
  switch (precision) {
  case Precision::f16:
    return f16;
  case Precision::bf16:
    return bf16;
  case Precision::e4m3:
    return e4m3;
  case Precision::e5m2:
    return e5m2;
  case Precision::f32:
    break;
  }
  return f32;
}

/// `value / 2^shift`, to nearest, ties to even. `value` has at most 31 bits.
static uint32_t shiftRoundEven(uint32_t value, int shift) {
  if (shift > 31)
    return 0;
  const uint32_t odd = (value >> shift) & 1;
  return (value + (uint32_t(1) << (shift - 1)) - 1 + odd) >> shift;
}

/// The bits of the f32 `magnitude`, which is not NaN, without a sign.
static uint32_t roundMagnitude(const Format &format, uint32_t magnitude) {
  const int exponent = magnitude >> f32.mantissaBits;
  const int rebias = f32.bias - format.bias;
  if (exponent > rebias) {
    // Normal. A carry out of the mantissa steps the exponent above it, as it should.
    const uint32_t rounded = shiftRoundEven(magnitude - (uint32_t(rebias) << f32.mantissaBits),
                                            f32.mantissaBits - format.mantissaBits);
    return std::min(rounded, format.overflow);
  }
  // Subnormal: count units of the smallest number. The f32 is an integer times
  // the f32's own unit, 2^(exponent - 1) of the smallest f32.
  const uint32_t mantissa = magnitude & (hiddenBit - 1);
  const int unit = f32.smallestExponent() + std::max(exponent - 1, 0);
  return shiftRoundEven(exponent == 0 ? mantissa : mantissa | hiddenBit,
                        format.smallestExponent() - unit);
}

uint16_t tessera::reference::toBits(Precision precision, float value) {
  assert(precision != Precision::f32 && "f32 does not fit into 16 bits");
  const Format &format = formatOf(precision);
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & ~f32.signBit();
  const uint32_t sign = bits == magnitude ? 0 : format.signBit();
  if (magnitude <= f32.overflow)
    return sign | roundMagnitude(format, magnitude);
  if (format.overflowIsNan)
    return sign | format.overflow;
  // The quiet bit keeps a NaN from becoming infinity.
  const uint32_t payload = (magnitude - f32.overflow) | quietBit;
  return sign | format.overflow | payload >> (f32.mantissaBits - format.mantissaBits);
}

float tessera::reference::fromBits(Precision precision, uint16_t bits) {
  assert(precision != Precision::f32 && "f32 does not fit into 16 bits");
  const Format &format = formatOf(precision);
  const uint32_t magnitude = bits & (format.signBit() - 1);
  const uint32_t sign = bits & format.signBit() ? f32.signBit() : 0;
  const uint32_t exponent = magnitude >> format.mantissaBits;
  const uint32_t mantissa = magnitude & ((uint32_t(1) << format.mantissaBits) - 1);
  const uint32_t mantissaF32 = mantissa << (f32.mantissaBits - format.mantissaBits);

  if (magnitude >= format.overflow) // infinity or NaN
    return std::bit_cast<float>(sign | f32.overflow | mantissaF32);
  if (exponent == 0) {
    const float value = std::ldexp(float(mantissa), format.smallestExponent());
    return sign ? -value : value;
  }
  return std::bit_cast<float>(sign | (exponent + f32.bias - format.bias) << f32.mantissaBits |
                              mantissaF32);
}

float tessera::reference::roundTo(Precision precision, float value) {
  return precision == Precision::f32 ? value : fromBits(precision, toBits(precision, value));
}

double tessera::reference::epsilon(Precision precision) {
  return std::ldexp(1.0, -formatOf(precision).mantissaBits);
}

double tessera::reference::smallest(Precision precision) {
  return std::ldexp(1.0, formatOf(precision).smallestExponent());
}
