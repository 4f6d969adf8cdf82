//===- Check.h - what the C++ tests share ---------------------------------===//

#ifndef TESSERA_TEST_INTERFACES_CXX_CHECK_H
#define TESSERA_TEST_INTERFACES_CXX_CHECK_H

#include <tessera/tessera.h>

#include <cmath>
#include <functional>
#include <iostream>
#include <vector>

inline int failures = 0;

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      std::cerr << __FILE__ << ":" << __LINE__ << ": " << #condition << "\n";                      \
      ++failures;                                                                                  \
    }                                                                                              \
  } while (false)

/// A success; else the error is printed.
#define CHECK_DONE(result)                                                                         \
  do {                                                                                             \
    if (const auto &kept = (result); !kept) {                                                      \
      std::cerr << __FILE__ << ":" << __LINE__ << ": " << kept.error().message << "\n";            \
      ++failures;                                                                                  \
    }                                                                                              \
  } while (false)

inline bool contains(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

/// One batch of attention: f32, contiguous, as wide in values as in keys.
struct Operands {
  static constexpr int64_t sq = 45, skv = 70, h = 4, g = 2, d = 16;

  std::vector<float> q = numbers(sq * h * d, 1), k = numbers(skv * g * d, 2),
                     v = numbers(skv * g * d, 3), out = std::vector<float>(sq * h * d, NAN);

  static std::vector<float> numbers(int64_t count, uint32_t seed) {
    std::vector<float> all(count);
    for (float &x : all) {
      seed = seed * 1664525u + 1013904223u;
      x = static_cast<float>(static_cast<int>(seed >> 16) % 17 - 8) / 8;
    }
    return all;
  }

  tessera::AttentionCall call() {
    return {
        .q = {q.data(), {1, sq, h, d}},
        .k = {k.data(), {1, skv, g, d}},
        .v = {v.data(), {1, skv, g, d}},
        .out = {out.data(), {1, sq, h, d}},
    };
  }

  /// The position of query i among the keys.
  static int64_t position(int64_t i) { return i + skv - sq; }

  /// The largest difference of `out` from a naive loop. `score` maps a scaled
  /// score, `sees` says what a query sees; both take head, position and key.
  double difference(std::function<double(double, int64_t, int64_t, int64_t)> score,
                    std::function<bool(int64_t, int64_t, int64_t)> sees) const {
    double largest = 0;
    for (int64_t i = 0; i < sq; ++i)
      for (int64_t head = 0; head < h; ++head) {
        int64_t kvHead = head / (h / g), row = position(i);
        std::vector<double> sums(d);
        double sum = 0;
        for (int64_t j = 0; j < skv; ++j) {
          if (!sees(head, row, j))
            continue;
          double x = 0;
          for (int64_t c = 0; c < d; ++c)
            x += double(q[(i * h + head) * d + c]) * k[(j * g + kvHead) * d + c];
          double e = std::exp(score(x / std::sqrt(double(d)), head, row, j));
          sum += e;
          for (int64_t c = 0; c < d; ++c)
            sums[c] += e * v[(j * g + kvHead) * d + c];
        }
        for (int64_t c = 0; c < d; ++c) {
          double off = std::fabs(out[(i * h + head) * d + c] - (sum > 0 ? sums[c] / sum : 0));
          largest = off <= largest ? largest : off; // a NaN counts
        }
      }
    return largest;
  }
};

inline constexpr double tolerance = 1e-5;

void testAttention(const tessera::Engine &engine);
void testAppend(const tessera::Engine &engine);
void testErrors(const tessera::Engine &engine);
void testVariants(const tessera::Engine &engine);

#endif // TESSERA_TEST_INTERFACES_CXX_CHECK_H
