//===- Problems.h - problems of attention for tests of the reference ------===//

#ifndef TESSERA_TEST_UNIT_PROBLEMS_H
#define TESSERA_TEST_UNIT_PROBLEMS_H

#include "test/reference/Attention.h"

#include <random>

namespace tessera::reference {

/// One head of width one; the query is 1, so the scores are the keys.
Problem scores(std::vector<float> keys, std::vector<float> values, int64_t seqlenQ = 1);

/// Any shape and any of the built-in features.
Problem randomProblem(Precision precision, std::mt19937 &random);

} // namespace tessera::reference

#endif // TESSERA_TEST_UNIT_PROBLEMS_H
