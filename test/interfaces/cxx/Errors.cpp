//===- Errors.cpp - what is refused, and how ------------------------------===//

#include "Check.h"

/// A refusal, seen in all its parts, that wrote nothing.
static void refused(const tessera::Engine &engine, const Operands &o,
                    const tessera::AttentionCall &call, tessera_status status,
                    const std::string &subject, const std::string &found) {
  tessera::Result<> done = engine.run(call);
  CHECK(!done);
  if (done)
    return;
  const tessera::Error &error = done.error();
  CHECK(error.status == status);
  CHECK(error.subject == subject);
  CHECK(error.found == found);
  CHECK(!error.expected.empty());
  for (const std::string &part : {error.subject, error.found, error.expected, error.nearest})
    CHECK(contains(error.message, part));
  if (error.status != status || error.subject != subject || error.found != found)
    std::cerr << "  " << error.subject << " | " << error.found << " | " << error.message << "\n";
  CHECK(std::isnan(o.out.front()));

  tessera::Result<tessera::Prepared> prepared = engine.prepare(call);
  CHECK(!prepared && prepared.error().message == error.message);
  tessera::Result<std::string> key = tessera::keyOf(call);
  CHECK(!key && key.error().message == error.message);
}

void testErrors(const tessera::Engine &engine) {
  Operands o;
  tessera::AttentionCall call = o.call();
  call.q = {};
  refused(engine, o, call, TESSERA_MISSING_TENSOR, "q", "absent");

  call = o.call();
  call.k = {o.k.data(), {1, 1, 1, 1, 1}};
  refused(engine, o, call, TESSERA_INVALID_RANK, "k.rank", "5");

  call = o.call();
  call.q = {o.q.data(), tessera::ElementType::i32, call.q.shape()};
  refused(engine, o, call, TESSERA_UNSUPPORTED_DTYPE, "q.dtype", "i32");

  call = o.call();
  call.windowRight = -1;
  refused(engine, o, call, TESSERA_INVALID_VALUE, "window_right", "-1");

  call = o.call();
  call.target = "hots";
  refused(engine, o, call, TESSERA_UNSUPPORTED_TARGET, "target", "\"hots\"");

  // Found before the library is asked.
  call = o.call();
  call.v = {std::span(o.v).first(o.v.size() - 1), call.v.shape()};
  refused(engine, o, call, TESSERA_INVALID_SHAPE, "v",
          "a span of " + std::to_string(o.v.size() - 1) + " elements");
  call = o.call();
  call.out = {o.out.data(), call.out.shape(), {1, 2}};
  refused(engine, o, call, TESSERA_INVALID_STRIDE, "out.strides", "2 numbers");

  tessera::Result<std::string> key = tessera::supports("f32,d24,causl");
  CHECK(!key && key.error().status == TESSERA_INVALID_KEY && key.error().nearest == "causal");
  tessera::Result<std::string> text = engine.compile("f32,d24", "llmv");
  CHECK(!text && text.error().nearest == "llvm");
}
