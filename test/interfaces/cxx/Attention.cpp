//===- Attention.cpp - calls, prepared calls and questions ----------------===//

#include "Check.h"

static double plain(double score, int64_t, int64_t, int64_t) { return score; }

static void testOptions(const tessera::Engine &engine) {
  Operands o;
  tessera::AttentionCall call = o.call();
  CHECK_DONE(engine.run(call));
  CHECK(o.difference(plain, [](int64_t, int64_t, int64_t) { return true; }) <= tolerance);

  call.causal = true;
  call.windowLeft = 9;
  call.sinkTokens = 2;
  std::vector<float> slopes = {0.5, 0.25, 0.125, 0};
  call.alibiSlopes = {std::span(slopes), {Operands::h}};
  call.scale = 0.3f;
  std::vector<float> lse(Operands::h * Operands::sq, NAN);
  call.lse = tessera::MutableTensorRef(lse.data(), {1, Operands::h, Operands::sq});
  CHECK_DONE(engine.run(call));
  double factor = 0.3f * std::sqrt(double(Operands::d));
  auto score = [&](double x, int64_t head, int64_t row, int64_t col) {
    return factor * x - slopes[head] * double(std::abs(row - col));
  };
  auto sees = [](int64_t, int64_t row, int64_t col) {
    return col <= row && (col >= row - 9 || col < 2);
  };
  CHECK(o.difference(score, sees) <= tolerance);
  CHECK(std::isfinite(lse.front()) && std::isfinite(lse.back()));
}

/// Keys and values as parts of one tensor: [skv, 2, g, d].
static void testStrides(const tessera::Engine &engine) {
  Operands o;
  constexpr int64_t row = Operands::g * Operands::d;
  std::vector<float> both(2 * Operands::skv * row);
  for (int64_t j = 0; j < Operands::skv; ++j)
    for (int64_t c = 0; c < row; ++c) {
      both[2 * j * row + c] = o.k[j * row + c];
      both[(2 * j + 1) * row + c] = o.v[j * row + c];
    }
  tessera::AttentionCall call = o.call();
  tessera::Extents shape = {1, Operands::skv, Operands::g, Operands::d};
  tessera::Extents strides = {0, 2 * row, Operands::d, 1};
  call.k = {both.data(), shape, strides};
  call.v = {both.data() + row, shape, strides};
  CHECK_DONE(engine.run(call));
  CHECK(o.difference(plain, [](int64_t, int64_t, int64_t) { return true; }) <= tolerance);
}

static void testPrepared(const tessera::Engine &engine) {
  Operands o;
  tessera::AttentionCall call = o.call();
  call.causal = true;
  tessera::Result<tessera::Prepared> prepared = engine.prepare(call);
  CHECK_DONE(prepared);
  if (!prepared)
    return;
  CHECK(std::isnan(o.out.front()));
  auto sees = [](int64_t, int64_t row, int64_t col) { return col <= row; };
  for (uint32_t seed : {5, 6}) {
    std::vector<float> fresh = Operands::numbers(static_cast<int64_t>(o.q.size()), seed);
    std::copy(fresh.begin(), fresh.end(), o.q.begin());
    CHECK_DONE(prepared->launch());
    CHECK(o.difference(plain, sees) <= tolerance);
  }
}

static void testQuestions(const tessera::Engine &engine) {
  Operands o;
  tessera::AttentionCall call = o.call();
  call.causal = true;
  tessera::Result<std::string> key = tessera::keyOf(call);
  CHECK_DONE(key);
  CHECK(key && *key == "fwd,host,f32,d16,causal");
  tessera::Result<std::string> normal = tessera::supports("d16,f32,causal");
  CHECK(normal && *normal == *key);
  tessera::Result<std::string> text = engine.compile("f32,d16", "specialized");
  CHECK(text && contains(*text, "tile.grid"));
  tessera::Result<std::string> json = engine.explain(call);
  CHECK(json && contains(*json, "\"key\": \"fwd,host,f32,d16,causal\""));
}

/// Every field arrives: the key tells of features, a refusal of numbers.
static void testDenseFields(const tessera::Engine &engine) {
  Operands o;
  std::vector<float> lse(Operands::h * Operands::sq), heads(Operands::h);
  tessera::AttentionCall call = o.call();
  call.lse = {lse.data(), {1, Operands::h, Operands::sq}};
  call.softcap = 2;
  call.causal = call.topLeft = call.checked = true;
  call.windowLeft = 3;
  call.windowRight = 4;
  call.sinkTokens = 5;
  call.sinkLogits = call.alibiSlopes = {heads.data(), {Operands::h}};
  call.blockM = 16;
  call.blockN = 32;
  tessera::Result<std::string> key = tessera::keyOf(call);
  CHECK(key && *key == "fwd,host,f32,d16,causal,top_left,window_left,window_right,sink_tokens,"
                       "sink_logits,alibi,softcap,lse,checked,block_m=16,block_n=32");
  call.stream = &o;
  key = tessera::keyOf(call);
  CHECK(!key && key.error().subject == "stream");
  call.target = "host";
  call.device = 0;
  key = tessera::keyOf(call);
  CHECK(!key && key.error().found == "memory of a GPU");

  call = o.call();
  call.windowRight = 4;
  call.topLeft = true;
  CHECK_DONE(engine.run(call));
  int64_t last = Operands::skv - Operands::sq;
  CHECK(o.difference(plain, [&](int64_t, int64_t row, int64_t col) {
    return col <= row - last + 4;
  }) <= tolerance);

  // A factor of each operand by itself.
  float factor = 1;
  for (auto field : {&tessera::AttentionCall::qDescale, &tessera::AttentionCall::kDescale,
                     &tessera::AttentionCall::vDescale}) {
    call = o.call();
    for (tessera::TensorRef *tensor : {&call.q, &call.k, &call.v})
      *tensor = {tensor->data(), tessera::ElementType::e4m3, tensor->shape()};
    call.*field = {&factor, {}};
    key = tessera::keyOf(call);
    CHECK(key && contains(*key, "e4m3") && contains(*key, "descale"));
    call.*field = {&factor, {1}};
    key = tessera::keyOf(call);
    CHECK(!key && key.error().status == TESSERA_INVALID_RANK);
  }
}

static void testPackedFields() {
  constexpr int64_t h = 3, d = 8, pages = 4, pageSize = 16;
  std::vector<float> q(20 * h * d), out(q.size()), k(pages * pageSize * h * d), v(k.size());
  std::vector<int32_t> startsQ = {0, 5, 20}, startsKv = {0, 30, 50}, used = {30, 17};
  std::vector<int32_t> table = {0, 1, 2, 3};
  tessera::AttentionCall call = {
      .q = {q.data(), {20, h, d}},
      .k = {k.data(), {50, h, d}},
      .v = {v.data(), {50, h, d}},
      .out = {out.data(), {20, h, d}},
      .cuSeqlensQ = {{std::span(startsQ), {3}}},
      .cuSeqlensKv = {{std::span(startsKv), {3}}},
      .seqUsedKv = {{std::span(used), {2}}},
  };
  auto refused = [&](const char *subject) {
    tessera::Result<std::string> key = tessera::keyOf(call);
    return !key && key.error().subject == subject;
  };
  tessera::Result<std::string> key = tessera::keyOf(call);
  CHECK(key && *key == "fwd,host,f32,d8,varlen_q,varlen_kv,seqused_kv");
  call.maxSeqlenQ = 14;
  CHECK(refused("max_seqlen_q"));
  call.maxSeqlenQ = 15;
  call.maxSeqlenKv = 29;
  CHECK(refused("max_seqlen_kv"));

  call.maxSeqlenKv = 30;
  call.cuSeqlensKv.reset();
  call.pageTable = {std::span(table), {2, 2}};
  call.pageOrder = tessera::PageOrder::headsFirst;
  call.k = {k.data(), {pages, h, pageSize, d}};
  call.v = {v.data(), {pages, h, pageSize, d}};
  key = tessera::keyOf(call);
  CHECK(key && *key == "fwd,host,f32,d8,varlen_q,seqused_kv,paged");
  call.pageOrder = tessera::PageOrder::rowsFirst; // as if there were 16 heads
  CHECK(!tessera::keyOf(call));
}

void testAttention(const tessera::Engine &engine) {
  testOptions(engine);
  testStrides(engine);
  testPrepared(engine);
  testQuestions(engine);
  testDenseFields(engine);
  testPackedFields();
}

void testAppend(const tessera::Engine &engine) {
  constexpr int64_t b = 2, fresh = 3, capacity = 6, d = 8, positions = 9;
  std::vector<float> rows = Operands::numbers(b * fresh * d, 1), cache(b * capacity * d, -1);
  std::vector<float> cos = Operands::numbers(2 * positions, 2),
                     sin = Operands::numbers(2 * positions, 3);
  std::vector<int32_t> starts = {1, 3}, first = {6, 0};
  tessera::AppendCall call = {
      .rows = {rows.data(), {b, fresh, 1, d}},
      .cache = {cache.data(), {b, capacity, 1, d}},
      .starts = {std::span(starts), {b}},
  };
  CHECK_DONE(engine.run(call));
  auto row = [&](std::vector<float> &all, int64_t r) { return all.data() + r * d; };
  for (int64_t i = 0; i < b; ++i)
    for (int64_t r = 0; r < capacity; ++r)
      for (int64_t c = 0; c < d; ++c) {
        int64_t from = r - starts[i];
        bool isNew = from >= 0 && from < fresh;
        CHECK(row(cache, i * capacity + r)[c] == (isNew ? row(rows, i * fresh + from)[c] : -1));
      }

  // Two pairs of neighbours are turned by the angles of the position.
  call.cos = {std::span(cos), {positions, 2}};
  call.sin = {std::span(sin), {positions, 2}};
  call.positions = {std::span(first), {b}};
  call.interleaved = true;
  CHECK_DONE(engine.run(call));
  for (int64_t i = 0; i < b; ++i)
    for (int64_t r = 0; r < fresh; ++r) {
      const float *x = row(rows, i * fresh + r), *y = row(cache, i * capacity + starts[i] + r);
      for (int64_t pair = 0; pair < 2; ++pair) {
        double c = cos[2 * (first[i] + r) + pair], s = sin[2 * (first[i] + r) + pair];
        int64_t one = 2 * pair, two = one + 1;
        CHECK(std::fabs(y[one] - (x[one] * c - x[two] * s)) < 1e-6);
        CHECK(std::fabs(y[two] - (x[two] * c + x[one] * s)) < 1e-6);
      }
      CHECK(y[4] == x[4]);
    }

  // Packed, in pages of 2 rows; refused for what each field says.
  std::vector<int32_t> packed = {0, 2, 6}, table = {0, 1, 2, 3, 4, 7};
  call.rows = {rows.data(), {6, 1, d}};
  call.cuSeqlens = {std::span(packed), {3}};
  call.cache = {cache.data(), {6, 1, 2, d}};
  call.pageTable = {std::span(table), {2, 3}};
  call.pageOrder = tessera::PageOrder::headsFirst;
  auto refused = [&](tessera_status status) {
    tessera::Result<> done = engine.run(call);
    return !done && done.error().status == status;
  };
  CHECK(refused(TESSERA_INVALID_PAGES)); // 3 + 4 rows do not fit into three pages
  starts[1] = 2;
  call.maxSeqlen = 3;
  CHECK(refused(TESSERA_INVALID_LENGTHS));
  call.maxSeqlen = 4;
  call.checked = true;
  CHECK(refused(TESSERA_INVALID_PAGES)); // page 7 of 6
  table[5] = 5;
  CHECK_DONE(engine.run(call));
  call.target = "sm80";
  CHECK(refused(TESSERA_UNSUPPORTED_TARGET));
  call.target = nullptr;
  call.stream = &call;
  CHECK(refused(TESSERA_INVALID_VALUE));
}
