#include "test/reference/Rounding.h"

#include <bit>
#include <cassert>
#include <cmath>

using namespace tessera::reference;

namespace {

constexpr uint32_t signBit = 0x80000000;
constexpr uint32_t infinityF32 = 0x7f800000;
constexpr uint32_t hiddenBit = 0x00800000; // the leading one of a normal f32
constexpr int mantissaBitsF32 = 23;
constexpr int biasF32 = 127;

constexpr uint16_t infinityF16 = 0x7c00;
constexpr int mantissaBitsF16 = 10;
constexpr int biasF16 = 15;
constexpr int droppedF16 = mantissaBitsF32 - mantissaBitsF16;

constexpr int droppedBF16 = 16;

struct Format {
  int mantissaBits, minExponent;
};

} // namespace

static Format formatOf(Precision precision) {
  switch (precision) {
  case Precision::f16:
    return {mantissaBitsF16, 1 - biasF16};
  case Precision::bf16:
    return {7, 1 - biasF32};
  case Precision::f32:
    break;
  }
  return {mantissaBitsF32, 1 - biasF32};
}

/// `value / 2^shift`, to nearest, ties to even. `value` has at most 31 bits. A
/// carry out of the mantissa steps the exponent above it, as it should.
static uint32_t shiftRoundEven(uint32_t value, int shift) {
  if (shift > 31)
    return 0;
  const uint32_t odd = (value >> shift) & 1;
  return (value + (uint32_t(1) << (shift - 1)) - 1 + odd) >> shift;
}

static uint32_t magnitudeBitsF16(uint32_t magnitude) {
  constexpr uint32_t rebias = uint32_t(biasF32 - biasF16) << mantissaBitsF32;
  constexpr uint32_t tooLarge = rebias + (uint32_t(31) << mantissaBitsF32);
  if (magnitude >= tooLarge)
    return infinityF16;
  if (magnitude >= rebias + hiddenBit)
    return shiftRoundEven(magnitude - rebias, droppedF16);

  // Subnormal in f16: count units of 2^-24. An f32 with biased exponent e is
  // its mantissa times 2^(e - 150), so e - 126 places remain to shift.
  const int exponent = magnitude >> mantissaBitsF32;
  if (exponent == 0) // subnormal in f32 already: far below half a unit
    return 0;
  const uint32_t mantissa = (magnitude & (hiddenBit - 1)) | hiddenBit;
  return shiftRoundEven(mantissa, 126 - exponent);
}

uint16_t tessera::reference::toBits(Precision precision, float value) {
  assert(precision != Precision::f32 && "f32 does not fit into 16 bits");
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t magnitude = bits & ~signBit;
  const uint32_t sign = (bits & signBit) >> 16;
  const bool half = precision == Precision::f16;

  if (magnitude > infinityF32) { // NaN; the quiet bit keeps it from becoming inf
    constexpr uint32_t quietF16 = infinityF16 | 1 << (mantissaBitsF16 - 1);
    constexpr uint32_t quietBF16 = 0x7fc0;
    return half ? sign | quietF16 | ((magnitude >> droppedF16) & 0x3ff)
                : sign | quietBF16 | (magnitude >> droppedBF16);
  }
  return sign | (half ? magnitudeBitsF16(magnitude) : shiftRoundEven(magnitude, droppedBF16));
}

float tessera::reference::fromBits(Precision precision, uint16_t bits) {
  assert(precision != Precision::f32 && "f32 does not fit into 16 bits");
  if (precision == Precision::bf16)
    return std::bit_cast<float>(uint32_t(bits) << droppedBF16);

  const uint32_t sign = uint32_t(bits & 0x8000) << 16;
  const uint32_t exponent = (bits >> mantissaBitsF16) & 31;
  const uint32_t mantissa = bits & 0x3ff;
  if (exponent == 31)
    return std::bit_cast<float>(sign | infinityF32 | mantissa << droppedF16);
  if (exponent == 0) {
    const float magnitude = std::ldexp(float(mantissa), -24);
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | (exponent + biasF32 - biasF16) << mantissaBitsF32 |
                              mantissa << droppedF16);
}

float tessera::reference::roundTo(Precision precision, float value) {
  return precision == Precision::f32 ? value : fromBits(precision, toBits(precision, value));
}

double tessera::reference::epsilon(Precision precision) {
  return std::ldexp(1.0, -formatOf(precision).mantissaBits);
}

double tessera::reference::smallest(Precision precision) {
  const Format format = formatOf(precision);
  return std::ldexp(1.0, format.minExponent - format.mantissaBits);
}
