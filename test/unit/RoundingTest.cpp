// The formats of sixteen and eight bits: values worked out by hand, then every
// code against the definition of its format.

#include "test/reference/Rounding.h"
#include "test/unit/NonFinite.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

using namespace tessera::reference;
using namespace tessera::test;

namespace {

constexpr Precision narrowFormats[] = {Precision::f16, Precision::bf16, Precision::e4m3,
                                       Precision::e5m2};

} // namespace

static bool isEightBits(Precision precision) {
  return precision == Precision::e4m3 || precision == Precision::e5m2;
}

static uint32_t signBitOf(Precision precision) { return isEightBits(precision) ? 0x80 : 0x8000; }

/// What the 256 codes of an eight-bit format stand for, by its definition. The
/// exponent is `bias` too large, and that of a subnormal one larger than it says.
static std::vector<double> codesOf(int exponentBits, int mantissaBits, int bias, bool isIEEE) {
  const int lastExponent = (1 << exponentBits) - 1, mantissas = 1 << mantissaBits;
  std::vector<double> values;
  for (int sign : {1, -1})
    for (int exponent = 0; exponent <= lastExponent; ++exponent)
      for (int mantissa = 0; mantissa < mantissas; ++mantissa) {
        const double fraction = double(mantissa) / mantissas;
        double value = exponent == 0 ? fraction * std::exp2(1 - bias)
                                     : (1 + fraction) * std::exp2(exponent - bias);
        if (isIEEE && exponent == lastExponent)
          value = mantissa == 0 ? inf32 : nan32;
        if (!isIEEE && exponent == lastExponent && mantissa == mantissas - 1)
          value = nan32;
        values.push_back(sign * value);
      }
  return values;
}

static std::vector<double> codesOf(Precision precision) {
  return precision == Precision::e4m3 ? codesOf(4, 3, 7, false) : codesOf(5, 2, 15, true);
}

TEST(Rounding, KnownF16) {
  const struct {
    float value;
    uint16_t bits;
  } cases[] = {
      {0.0f, 0x0000},
      {-0.0f, 0x8000},
      {1.0f, 0x3c00},
      {-2.0f, 0xc000},
      {0x1.554p-2f, 0x3555}, // 1/3
      {65504.0f, 0x7bff},    // the largest
      {65519.996f, 0x7bff},  // below the tie with 65536
      {65520.0f, 0x7c00},    // the tie goes to even: infinity
      {-1e30f, 0xfc00},
      {inf32, 0x7c00},
      {0x1p-14f, 0x0400},     // the smallest normal
      {0x1.ff8p-15f, 0x03ff}, // the largest subnormal
      {0x1.ffcp-15f, 0x0400}, // a tie, to the normal above, which is even
      {0x1p-24f, 0x0001},     // the smallest subnormal
      {0x1p-25f, 0x0000},     // a tie, to zero
      {0x1.000002p-25f, 0x0001},
      {0x1.8p-24f, 0x0002},      // a tie between 1 and 2
      {-0x1p-149f, 0x8000},      // the smallest f32
      {1.0f + 0x1p-11f, 0x3c00}, // a tie, down to even
      {1.0f + 0x3p-11f, 0x3c02}, // a tie, up to even
      {1.0f + 0x1.002p-11f, 0x3c01},
      {0x1.ffep0f, 0x4000}, // carries into the exponent
  };
  for (const auto &[value, bits] : cases)
    EXPECT_EQ(toBits(Precision::f16, value), bits) << value;
}

TEST(Rounding, KnownBF16) {
  const struct {
    float value;
    uint16_t bits;
  } cases[] = {
      {0.0f, 0x0000},
      {-0.0f, 0x8000},
      {1.0f, 0x3f80},
      {0x1.56p-2f, 0x3eab},     // 1/3
      {1.0f + 0x1p-8f, 0x3f80}, // a tie, down to even
      {1.0f + 0x3p-8f, 0x3f82}, // a tie, up to even
      {1.0f + 0x1.0002p-8f, 0x3f81},
      {0x1.fep127f, 0x7f7f}, // the largest
      {0x1.fefffep127f, 0x7f7f},
      {0x1.ffp127f, 0x7f80}, // the tie goes to infinity
      {-inf32, 0xff80},
      {0x1p-133f, 0x0001}, // the smallest subnormal
      {0x1p-134f, 0x0000}, // a tie, to zero
      {0x1.8p-133f, 0x0002},
  };
  for (const auto &[value, bits] : cases)
    EXPECT_EQ(toBits(Precision::bf16, value), bits) << value;
}

TEST(Rounding, KnownE4M3) {
  const struct {
    float value;
    uint16_t bits;
  } cases[] = {
      {0.0f, 0x00},          {-0.0f, 0x80},           {1.0f, 0x38},
      {-2.0f, 0xc0},         {0x1.554p-2f, 0x2b}, // 1/3 is nearest to 11/32
      {1.0625f, 0x38},                            // a tie, down to even
      {1.1875f, 0x3a},                            // a tie, up to even
      {448.0f, 0x7e},                             // the largest
      {464.0f, 0x7e},                             // the tie with what would be 480 goes to even
      {0x1.d00002p8f, 0x7f}, {-0x1.d00002p8f, 0xff},  {480.0f, 0x7f},
      {1e30f, 0x7f},         {inf32, 0x7f},           {-inf32, 0xff},
      {nan32, 0x7f},         {-nan32, 0xff},          {0x1p-6f, 0x08}, // the smallest normal
      {0x1.cp-7f, 0x07},                                               // the largest subnormal
      {0x1.ep-7f, 0x08}, // a tie, to the normal above, which is even
      {0x1p-9f, 0x01},   // the smallest subnormal
      {0x1p-10f, 0x00},  // a tie, to zero
      {-0x1p-10f, 0x80},     {0x1.000002p-10f, 0x01}, {0x1.8p-9f, 0x02}, // a tie between 1 and 2
      {-0x1p-149f, 0x80},                                                // the smallest f32
      {0x1.fp0f, 0x40},    // carries into the exponent
      {0x1.efffp0f, 0x3f}, // below that tie
  };
  for (const auto &[value, bits] : cases)
    EXPECT_EQ(toBits(Precision::e4m3, value), bits) << value;
}

TEST(Rounding, KnownE5M2) {
  const struct {
    float value;
    uint16_t bits;
  } cases[] = {
      {0.0f, 0x00},
      {-0.0f, 0x80},
      {1.0f, 0x3c},
      {-2.0f, 0xc0},
      {0x1.554p-2f, 0x35}, // 1/3 is nearest to 5/16
      {1.125f, 0x3c},      // a tie, down to even
      {1.375f, 0x3e},      // a tie, up to even
      {57344.0f, 0x7b},    // the largest
      {61439.996f, 0x7b},  // below the tie with 65536
      {61440.0f, 0x7c},    // the tie goes to even: infinity
      {-1e30f, 0xfc},
      {inf32, 0x7c},
      {-inf32, 0xfc},
      {nan32, 0x7e},
      {-nan32, 0xfe},
      {0x1p-14f, 0x04},   // the smallest normal
      {0x1.8p-15f, 0x03}, // the largest subnormal
      {0x1.cp-15f, 0x04}, // a tie, to the normal above, which is even
      {0x1p-16f, 0x01},   // the smallest subnormal
      {0x1p-17f, 0x00},   // a tie, to zero
      {0x1.000002p-17f, 0x01},
      {0x1.8p-16f, 0x02}, // a tie between 1 and 2
      {-0x1p-149f, 0x80},
      {0x1.ep0f, 0x40}, // carries into the exponent
  };
  for (const auto &[value, bits] : cases)
    EXPECT_EQ(toBits(Precision::e5m2, value), bits) << value;
}

// Every code of the eight-bit formats; the sign of zero and of NaN counts.
TEST(Rounding, EightBitsDecodeAsDefined) {
  for (Precision precision : {Precision::e4m3, Precision::e5m2}) {
    const std::vector<double> values = codesOf(precision);
    ASSERT_EQ(values.size(), 256u);
    for (uint32_t bits = 0; bits < 256; ++bits) {
      const float value = fromBits(precision, bits);
      EXPECT_EQ(std::isnan(value), std::isnan(values[bits])) << bits;
      EXPECT_EQ(std::signbit(value), bits >= 0x80) << bits;
      if (!std::isnan(value)) {
        EXPECT_EQ(value, values[bits]) << bits;
      }
      EXPECT_EQ(std::bit_cast<uint32_t>(fromBits(precision, 0xab00 | bits)),
                std::bit_cast<uint32_t>(value));
    }
  }
}

// The nearest code, found by looking at all of them, over a sample of all f32
// patterns. What lies halfway or further above the largest number is too large.
TEST(Rounding, EightBitsEncodeToTheNearest) {
  for (Precision precision : {Precision::e4m3, Precision::e5m2}) {
    const std::vector<double> values = codesOf(precision);
    const bool isE4M3 = precision == Precision::e4m3;
    for (uint64_t pattern = 0; pattern < uint64_t(1) << 32; pattern += 65521) {
      const float value = std::bit_cast<float>(uint32_t(pattern));
      if (std::isnan(value))
        continue;
      const uint32_t sign = std::signbit(value) ? 0x80 : 0;
      const auto distance = [&](uint32_t code) {
        return std::abs(std::abs(double(value)) - values[code]);
      };
      uint32_t nearest = 0;
      for (uint32_t code = 1; code < 0x80 && std::isfinite(values[code]); ++code)
        if (distance(code) < distance(nearest) ||
            (distance(code) == distance(nearest) && code % 2 == 0))
          nearest = code;
      if (isE4M3 && std::abs(value) > 464)
        nearest = 0x7f;
      if (!isE4M3 && std::abs(value) >= 61440)
        nearest = 0x7c;
      ASSERT_EQ(toBits(precision, value), sign | nearest) << std::hex << pattern;
    }
  }
}

// A payload only in the low bits would be cut to the pattern of infinity.
TEST(Rounding, NanStaysNan) {
  for (uint32_t bits : {0x7f800001u, 0xff800001u, 0x7fc00000u, 0xffffffffu})
    for (Precision precision : narrowFormats) {
      const float rounded = roundTo(precision, std::bit_cast<float>(bits));
      EXPECT_TRUE(std::isnan(rounded)) << std::hex << bits;
      EXPECT_EQ(std::signbit(rounded), bool(bits >> 31)) << std::hex << bits;
    }
}

// Every pattern survives the way through f32; between two neighbours the
// middle goes to the even one and anything beside the middle to the nearer one.
TEST(Rounding, ExhaustiveRoundTripAndTies) {
  for (Precision precision : narrowFormats)
    for (uint32_t bits = 0; bits < 2 * signBitOf(precision); ++bits) {
      const float value = fromBits(precision, bits);
      if (std::isnan(value)) {
        ASSERT_TRUE(std::isnan(roundTo(precision, value))) << bits;
        continue;
      }
      ASSERT_EQ(toBits(precision, value), bits);
      const float next = fromBits(precision, bits + 1);
      if (!std::isfinite(value) || !std::isfinite(next) ||
          std::signbit(value) != std::signbit(next))
        continue;
      const float middle = float((double(value) + double(next)) / 2);
      ASSERT_EQ(toBits(precision, middle), bits + (bits & 1));
      ASSERT_EQ(toBits(precision, std::nextafter(middle, value)), bits);
      ASSERT_EQ(toBits(precision, std::nextafter(middle, next)), bits + 1);
    }
}

#ifdef __FLT16_MANT_DIG__
// The compiler's own conversion, over a sample of all f32 patterns.
TEST(Rounding, F16AgreesWithTheCompiler) {
  for (uint64_t bits = 0; bits < uint64_t(1) << 32; bits += 4093) {
    const float value = std::bit_cast<float>(uint32_t(bits));
    if (std::isnan(value))
      continue;
    ASSERT_EQ(toBits(Precision::f16, value), std::bit_cast<uint16_t>(static_cast<_Float16>(value)))
        << std::hex << bits;
  }
}
#endif

TEST(Rounding, EpsilonAndSmallest) {
  EXPECT_EQ(epsilon(Precision::f32), 0x1p-23);
  EXPECT_EQ(epsilon(Precision::f16), 0x1p-10);
  EXPECT_EQ(epsilon(Precision::bf16), 0x1p-7);
  EXPECT_EQ(smallest(Precision::f32), 0x1p-149);
  EXPECT_EQ(epsilon(Precision::e4m3), 0x1p-3);
  EXPECT_EQ(epsilon(Precision::e5m2), 0x1p-2);
  EXPECT_EQ(smallest(Precision::e4m3), 0x1p-9);
  EXPECT_EQ(smallest(Precision::e5m2), 0x1p-16);
  for (Precision precision : narrowFormats) {
    EXPECT_EQ(epsilon(precision), fromBits(precision, toBits(precision, 1) + 1) - 1.0);
    EXPECT_EQ(smallest(precision), fromBits(precision, 1));
  }
}
