//===- AppendRows.cpp - new rows of a cache -------------------------------===//

#include "kernels/AppendRows.h"

namespace tessera {

namespace {

/// The tables of a rotation.
struct Rotation {
  FloatTable cos, sin;
  Flag interleaved;
};

} // namespace

/// Each pair (x0, x1) turned by the angle of its row and column.
static Tile rotate(const Rotation &rotation, Tile x, Tile position, const Shape &s) {
  int64_t half = s.rotary / 2;
  Tile column = iota(s.headDim);
  // Which pair a column belongs to, and whether it is the second of the pair.
  Tile pair = select(rotation.interleaved, column / Index(2), column % Index(half));
  Tile second = select(rotation.interleaved, column % Index(2), column / Index(half));
  Tile partner = select(rotation.interleaved, exchange(x, 1), exchange(x, half));

  Tile cos = rotation.cos.gather({position, pair}), sin = rotation.sin.gather({position, pair});
  Tile turned = x * cos + partner * select(second == Index(0), sin * -1.0f, sin);
  return select(column < Index(s.rotary), turned, x);
}

Program appendRows(const Shape &s) {
  Program p("append_rows");
  const KeyFlags &key = p.key();
  View rows = p.view("rows", s.q, s.headDim, "q"), cache = p.view("cache", s.o, s.headDim, "kv");
  IndexTable starts = p.integers("starts", 1), positions = p.integers("positions", 1);
  Rotation rotation{p.floats("cos", 2), p.floats("sin", 2), key.interleaved};

  auto [i, head, batch] = p.grid(rows.tiles(s.blockM), rows.heads(), rows.batches());
  Sequence from = rows(batch, head);
  Tile x = from.load(i, s.blockM);
  if (s.rotary) {
    Tile position = from.rows(i, s.blockM) + positions.at({batch});
    x = rotate(rotation, cast(x, DType::f32), position, s);
  }
  Sequence place = cache(batch, head).slice(starts.at({batch}), from.length());
  place.store(i, s.q == s.o ? cast(x, s.o) : cast(cast(x, DType::f32), s.o));
  return p;
}

} // namespace tessera
