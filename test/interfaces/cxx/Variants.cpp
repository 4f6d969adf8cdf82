//===- Variants.cpp - score and mask functions of a user's own ------------===//

#include "Check.h"

#include <tessera/variant.h>

using namespace tessera;

/// A bias by distance from a table, one row for each head; and a prefix that
/// every query sees besides what is causal.
static Variant relativeBiasWithPrefix() {
  Variant variant;
  variant.score = [](Program &p, Tile score, const ScorePlace &at) {
    Tile distance = at.row - at.col + p.index("last");
    return score * p.scalar("gain") + p.floats("bias", 2).gather({at.head, distance});
  };
  variant.mask = [](Program &p, const ScorePlace &at) {
    return at.col <= at.row || at.col < p.index("prefix");
  };
  return variant;
}

static void testNumbers(const Engine &engine) {
  Result<int64_t> variant = registerVariant(relativeBiasWithPrefix());
  CHECK_DONE(variant);
  if (!variant)
    return;
  CHECK(*variant != 0);
  Result<int64_t> again = registerVariant(relativeBiasWithPrefix());
  CHECK(again && *again == *variant);

  Operands o;
  constexpr int64_t last = Operands::skv - 1, distances = 2 * Operands::skv - 1;
  constexpr int64_t prefix = 33;
  std::vector<float> bias = Operands::numbers(Operands::h * distances, 7);
  AttentionCall call = o.call();
  call.variant = *variant;
  call.variantArguments = {{"bias", TensorRef(bias.data(), {Operands::h, distances})},
                           {"last", last},
                           {"prefix", prefix},
                           {"gain", 1.5}};
  auto score = [&](double x, int64_t head, int64_t row, int64_t col) {
    return 1.5 * x + bias[head * distances + row - col + last];
  };
  auto sees = [](int64_t, int64_t row, int64_t col) { return col <= row || col < prefix; };
  CHECK_DONE(engine.run(call));
  CHECK(o.difference(score, sees) <= tolerance);

  // Together with a mask of the library's, and prepared.
  call.windowLeft = 20;
  Result<Prepared> prepared = engine.prepare(call);
  CHECK_DONE(prepared);
  if (!prepared)
    return;
  for (float &x : bias)
    x = -x; // tables are read when it is launched
  CHECK_DONE(prepared->launch());
  auto seesLess = [&](int64_t head, int64_t row, int64_t col) {
    return sees(head, row, col) && col >= row - 20;
  };
  CHECK(o.difference(score, seesLess) <= tolerance);

  Result<std::string> key = keyOf(call);
  CHECK(key && contains(*key, "variant="));
  Result<std::string> json = engine.explain(call);
  CHECK_DONE(json);
  CHECK(json && contains(*json, "\"name\": \"bias\"") && contains(*json, "\"kind\": \"table\""));

  call.variantArguments.erase(call.variantArguments.begin());
  Result<> done = engine.run(call);
  CHECK(!done && contains(done.error().message, "bias"));
}

/// A mistake in a function has the line it stands on.
static void testMistake() {
  Variant variant;
  variant.score = [](Program &, Tile score, const ScorePlace &) {
    return score + zeros(3, 5); // here
  };
  int line = __LINE__ - 2;
  Result<int64_t> refused = registerVariant(variant);
  CHECK(!refused);
  if (refused)
    return;
  CHECK(contains(refused.error().message, "Variants.cpp:" + std::to_string(line)));
  CHECK(refused.error().status == TESSERA_INVALID_VALUE);
  if (failures)
    std::cerr << refused.error().message << "\n";
}

/// Functions of every other key, and a mask that is read from a table.
static void testTables(const Engine &engine) {
  Variant parity;
  parity.score = [](Program &, Tile score, const ScorePlace &at) {
    Mask even = at.col % 2 == 0;
    return select(even, max(score, tanh(score * 2.0f)), exp2(log2(abs(score) + 1.0f)));
  };
  parity.mask = [](Program &p, const ScorePlace &at) {
    return p.integers("first", 1).gather({at.col}) <= at.row;
  };
  Result<int64_t> variant = registerVariant(parity);
  CHECK_DONE(variant);
  if (!variant)
    return;
  Operands o;
  std::vector<int32_t> first(Operands::skv);
  for (size_t j = 0; j < first.size(); ++j)
    first[j] = static_cast<int32_t>(j * 37 % 80);
  AttentionCall call = o.call();
  call.variant = *variant;
  call.variantArguments = {{"first", {std::span(first), {Operands::skv}}}};
  CHECK_DONE(engine.run(call));
  auto score = [](double x, int64_t, int64_t, int64_t col) {
    return col % 2 == 0 ? std::fmax(x, std::tanh(2 * x)) : std::fabs(x) + 1;
  };
  auto sees = [&](int64_t, int64_t row, int64_t col) { return first[col] <= row; };
  CHECK(o.difference(score, sees) <= tolerance);
  // Which keys it hides is known only when it runs.
  Result<std::string> json = engine.explain(call);
  CHECK_DONE(json);
  CHECK(json && contains(*json, "\"full\": 0") && !contains(*json, "\"undecided\": 0"));
}

void testVariants(const Engine &engine) {
  testNumbers(engine);
  testTables(engine);
  testMistake();
}
