//===- UserExamples.cpp - variants that a user might write ----------------===//

#include "test/kernels/UserExamples.h"
#include "runtime/Variants.h"

#include <algorithm>
#include <cassert>
#include <cmath>

using tessera::reference::Place;

namespace tessera::test {

//===----------------------------------------------------------------------===//
// Tables of the reference
//===----------------------------------------------------------------------===//

/// The number at a place of a table; zero outside of it.
static double at(const Numbers &numbers, std::initializer_list<int64_t> place) {
  assert(place.size() == numbers.shape.size());
  int64_t offset = 0;
  for (size_t i = 0; i < place.size(); ++i) {
    int64_t index = place.begin()[i];
    if (index < 0 || index >= numbers.shape[i])
      return 0;
    offset = offset * numbers.shape[i] + index;
  }
  return std::visit([&](const auto &values) { return double(values[offset]); }, numbers.values);
}

static int64_t sizeOf(const std::vector<int64_t> &shape) {
  int64_t size = 1;
  for (int64_t extent : shape)
    size *= extent;
  return size;
}

static Numbers floats(std::vector<int64_t> shape, Draw &draw) {
  std::vector<float> values(sizeOf(shape));
  for (float &value : values)
    value = draw.uniform(-2, 2);
  return {std::move(shape), std::move(values)};
}

static Numbers integers(std::vector<int64_t> shape, Draw &draw, int64_t first, int64_t last) {
  std::vector<int32_t> values(sizeOf(shape));
  for (int32_t &value : values)
    value = draw.between(first, last);
  return {std::move(shape), std::move(values)};
}

static int64_t longest(const std::vector<int64_t> &lengths) {
  return lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end());
}

//===----------------------------------------------------------------------===//
// A bias for each distance between query and key
//===----------------------------------------------------------------------===//

static Tile relativeBias(Program &p, Tile score, const ScorePlace &at) {
  FloatTable bias = p.floats("bias", 2);
  return score + bias.gather({at.head, at.col - at.row + p.index("reach")});
}

static void setUpRelativeBias(Case &c, Draw &draw) {
  int64_t reach = draw.of({0, 5, 40, 200});
  Numbers bias = floats({c.problem.heads, 2 * reach + 1}, draw);
  c.user.tables["bias"] = bias;
  c.user.indices["reach"] = reach;
  c.problem.score = [=](double x, Place place) {
    return x + at(bias, {place.head, place.col - place.row + reach});
  };
}

//===----------------------------------------------------------------------===//
// The same the other way round, in one dimension
//===----------------------------------------------------------------------===//

static Tile ageBias(Program &p, Tile score, const ScorePlace &at) {
  return score + p.floats("bias", 1).gather({at.row - at.col + Index(3)});
}

static void setUpAgeBias(Case &c, Draw &draw) {
  Numbers bias = floats({draw.of({1, 30, 300})}, draw);
  c.user.tables["bias"] = bias;
  c.problem.score = [=](double x, Place place) {
    return x + at(bias, {place.row - place.col + 3});
  };
}

//===----------------------------------------------------------------------===//
// A bias for each pair of query and key
//===----------------------------------------------------------------------===//

static Tile pairBias(Program &p, Tile score, const ScorePlace &at) {
  return score + p.floats("bias", 3).gather({at.head, at.row, at.col});
}

static void setUpPairBias(Case &c, Draw &draw) {
  Numbers bias = floats({c.problem.heads, draw.of({50, 150}), draw.of({60, 160})}, draw);
  c.user.tables["bias"] = bias;
  c.problem.score = [=](double x, Place place) {
    return x + at(bias, {place.head, place.row, place.col});
  };
}

//===----------------------------------------------------------------------===//
// A prefix that all queries see, causal behind it
//===----------------------------------------------------------------------===//

static Mask prefixMask(Program &p, const ScorePlace &at) {
  return at.col <= at.row || at.col < p.integers("prefix", 1).at({at.batch});
}

static void setUpPrefix(Case &c, Draw &draw) {
  Numbers prefix = integers({c.problem.batch}, draw, 0, longest(c.lengthsKv()));
  c.user.tables["prefix"] = prefix;
  c.problem.mask = [=](Place place) {
    return place.col <= place.row || place.col < at(prefix, {place.batch});
  };
}

//===----------------------------------------------------------------------===//
// Documents that do not see each other
//===----------------------------------------------------------------------===//

static Mask documentMask(Program &p, const ScorePlace &at) {
  IndexTable documents = p.integers("documents", 2);
  return documents.gather({at.batch, at.row}) == documents.gather({at.batch, at.col});
}

static void setUpDocuments(Case &c, Draw &draw) {
  int64_t length = longest(c.lengthsKv());
  std::vector<int32_t> ids(c.problem.batch * length);
  for (size_t n = 1; n < ids.size(); ++n)
    ids[n] = ids[n - 1] + draw.chance(5);
  Numbers documents{{c.problem.batch, length}, ids};
  c.user.tables["documents"] = documents;
  c.problem.mask = [=](Place place) {
    return at(documents, {place.batch, place.row}) == at(documents, {place.batch, place.col});
  };
}

//===----------------------------------------------------------------------===//
// Every n-th key around the query
//===----------------------------------------------------------------------===//

static Mask dilatedMask(Program &p, const ScorePlace &at) {
  Tile distance = at.row - at.col;
  return distance % p.index("step") == Index(0) && abs(distance) <= p.index("reach");
}

static void setUpDilated(Case &c, Draw &draw) {
  int64_t step = draw.of({1, 2, 3, 16}), reach = draw.of({0, 10, 64, 300});
  c.user.indices = {{"step", step}, {"reach", reach}};
  c.problem.mask = [=](Place place) {
    int64_t distance = place.row - place.col;
    return distance % step == 0 && std::abs(distance) <= reach;
  };
}

//===----------------------------------------------------------------------===//
// A bias for each sequence and head under a bound of its own
//===----------------------------------------------------------------------===//

static Tile cappedBias(Program &p, Tile score, const ScorePlace &at) {
  Scalar cap = p.scalar("cap");
  return tanh((score + p.floats("bias", 2).at({at.batch, at.head})) / cap) * cap;
}

static void setUpCappedBias(Case &c, Draw &draw) {
  float cap = draw.of({1.0f, 3.5f, 20.0f});
  Numbers bias = floats({c.problem.batch, c.problem.heads}, draw);
  c.user.tables["bias"] = bias;
  c.user.scalars["cap"] = cap;
  c.problem.score = [=](double x, Place place) {
    return cap * std::tanh((x + at(bias, {place.batch, place.head})) / cap);
  };
}

//===----------------------------------------------------------------------===//
// Blocks of scores that are there or not
//===----------------------------------------------------------------------===//

static constexpr int64_t sparseBlock = 24;

static Mask blockMask(Program &p, const ScorePlace &at) {
  IndexTable flags = p.integers("flags", 3);
  Index size(sparseBlock);
  return flags.gather({at.head, at.row / size, at.col / size}) != Index(0);
}

static void setUpBlocks(Case &c, Draw &draw) {
  int64_t columns = (longest(c.lengthsKv()) + sparseBlock - 1) / sparseBlock;
  int64_t rows =
      (std::max(longest(c.lengthsQ()), longest(c.lengthsKv())) + sparseBlock - 1) / sparseBlock;
  Numbers flags = integers({c.problem.heads, rows, columns}, draw, 0, 1);
  c.user.tables["flags"] = flags;
  auto block = [](int64_t position) {
    return (position < 0 ? position - sparseBlock + 1 : position) / sparseBlock;
  };
  c.problem.mask = [=](Place place) {
    return at(flags, {place.head, block(place.row), block(place.col)}) != 0;
  };
}

//===----------------------------------------------------------------------===//
// All of them
//===----------------------------------------------------------------------===//

std::span<const UserExample> userExamples() {
  static const UserExample all[] = {
      {"relative_bias", {relativeBias, {}}, setUpRelativeBias},
      {"prefix", {{}, prefixMask}, setUpPrefix},
      {"documents", {{}, documentMask}, setUpDocuments},
      {"dilated", {{}, dilatedMask}, setUpDilated},
      {"capped_bias", {cappedBias, {}}, setUpCappedBias},
      {"blocks", {{}, blockMask}, setUpBlocks},
      {"age_bias", {ageBias, {}}, setUpAgeBias},
      {"pair_bias", {pairBias, {}}, setUpPairBias},
  };
  return all;
}

void use(Case &c, const UserExample &example, Draw &draw) {
  c.user = {.name = example.name, .fingerprint = llvm::cantFail(registerVariant(example.variant))};
  example.setUp(c, draw);
}

} // namespace tessera::test
