//===- FlashForward.cpp - attention, forward ------------------------------===//

#include "kernels/FlashForward.h"

namespace tessera {

/// Scores are kept in the log2 domain: exp2 is what machines have.
static constexpr float log2e = 1.44269504088896340736f;
static constexpr float ln2 = 0.69314718055994530942f;
/// Where a running maximum starts. Finite, while hidden scores are -inf: the
/// difference is never (-inf) - (-inf), and a row that sees nothing ends with
/// an empty sum. Scores below it (log2 domain) count as hidden.
static constexpr float lowest = -1e30f;
/// The least factor of scores that counts as positive.
static constexpr float least = 1e-30f;
static constexpr float infinity = std::numeric_limits<float>::infinity();

/// Of each row: the running maximum (log2 domain), the sum, and the output.
struct Softmax {
  Tile m, l, acc;
};

/// What a user's functions do where they are not given: nothing.
static Tile scoreOf(const Variant &user, Program &p, Tile x, const ScorePlace &place) {
  return user.score ? user.score(p, x, place) : x;
}
static Mask maskOf(const Variant &user, Program &p, Mask keep, const ScorePlace &place) {
  return user.mask ? keep && user.mask(p, place) : keep;
}

Program flashForward(const Shape &s, const Variant &user) {
  Program p("flash_forward");
  const KeyFlags &key = p.key();
  View q = p.view("q", s.q, s.headDim, "q"), k = p.view("k", s.k, s.headDim, "kv");
  View v = p.view("v", s.v, s.headDimV, "kv"), o = p.view("o", s.o, s.headDimV, "q");
  View lse = p.view("lse", DType::f32, 1, "q");
  FloatTable sinkLogits = p.floats("sink_logits", 2), slopes = p.floats("alibi_slopes", 2);
  FloatTable qFactor = p.floats("q_descale", 2), kFactor = p.floats("k_descale", 2);
  FloatTable vFactor = p.floats("v_descale", 2);
  // Known to be positive, a scale may be applied behind a row's maximum.
  Scalar given = p.scalar("scale"), cap = max(p.scalar("softcap"), least);
  Scalar scale = select(key.signedScale, given, max(given, least));
  Index left = p.index("window_left"), right = p.index("window_right");
  Index sinkTokens = p.index("sink_tokens");

  auto [i, head, batch] = p.grid(q.tiles(s.blockM), q.heads(), q.batches());
  Index kvHead = head / (q.heads() / k.heads());
  Sequence queries = q(batch, head), keys = k(batch, kvHead), values = v(batch, kvHead);

  Tile qi = queries.load(i, s.blockM);
  Index last = keys.length() - queries.length(); // the last query at the last key
  Tile row = queries.rows(i, s.blockM) + select(key.topLeft, 0, last);

  Scalar qkFactor = qFactor.at({batch, kvHead}) * kFactor.at({batch, kvHead});
  Scalar toScore = select(key.descale, scale * qkFactor, scale);
  Scalar slope = slopes.at({batch, head}) * log2e;
  // The sum starts at the sink's term: one, or zero for a sink of -infinity.
  Scalar sink = sinkLogits.at({batch, head}) * log2e, start = max(sink, lowest);
  Tile term = exp2(full(s.blockM, 1, sink - start));
  Softmax empty{full(s.blockM, 1, select(key.sinkLogits, start, lowest)),
                select(key.sinkLogits, term, zeros(s.blockM, 1)), zeros(s.blockM, s.headDimV)};

  auto [m, l, acc] = loop(keys.tiles(s.blockN), empty, [&](Index j, Softmax st) {
    Tile col = keys.columns(j, s.blockN);
    ScorePlace place{row, col, head, batch};
    Tile x = dot(qi, transpose(keys.load(j, s.blockN))) * toScore;
    x = scoreOf(user, p, x, place);
    x = select(key.softcap, tanh(x / cap) * cap, x) * log2e;
    x = select(key.alibi, x - cast(abs(row - col), DType::f32) * slope, x);

    Mask band =
        implies(key.windowLeft, col >= row - left) && implies(key.windowRight, col <= row + right);
    Mask keep = col < keys.length() && implies(key.causal, col <= row) &&
                (band || (key.sinkTokens && col < sinkTokens));
    x = mask(x, maskOf(user, p, keep, place));

    Tile m = growMax(st.m, rowMax(x), s.lazyMax);
    Tile e = exp2(x - m), alpha = exp2(st.m - m);
    Tile l = st.l * alpha + rowSum(e);
    Tile vj = values.load(j, s.blockN, Padding::zero); // 0 * padding stays 0
    // What a query does not see stays out of its row, be it infinite or NaN.
    Tile acc = dot(cast(e, s.p), vj, st.acc * alpha, Zeros::skip);
    return Softmax{m, l, acc};
  });

  Mask sawNothing = l == 0.0f;
  Tile sum = select(sawNothing, 1.0f, l); // of nothing acc is zero
  Tile out = select(key.descale, acc * vFactor.at({batch, kvHead}), acc) / sum;
  o(batch, head).store(i, cast(out, s.o));
  lse(batch, head).store(i, select(sawNothing, -infinity, (m + log2(l)) * ln2), key.lse);
  return p;
}

} // namespace tessera
