//===- Variants.cpp - the variants this process knows ---------------------===//

#include "runtime/Variants.h"
#include "dsl/Refusal.h"
#include "dsl/Trace.h"
#include "runtime/Attention.h"

#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>
#include <map>
#include <mutex>

using namespace llvm;

namespace tessera {

namespace {
struct Registry {
  std::mutex mutex;
  std::map<int64_t, Variant> variants;
};
} // namespace

static Registry &registry() {
  static Registry instance;
  return instance;
}

/// The functions on tiles of a fixed size, in a program of their own: stored
/// results keep them alive. No square, so that exchanged shapes show.
static Expected<std::string> irOf(const Variant &variant) {
  constexpr int64_t rowCount = 16, size = 8;
  Program p("variant");
  View scores = p.view("scores", DType::f32, size);
  auto [i, head, batch] = p.grid(scores.tiles(rowCount), scores.heads(), scores.batches());
  Sequence rows = scores(batch, head);
  ScorePlace place{rows.rows(i, rowCount), rows.columns(i, size), head, batch};
  Tile x = dot(rows.load(i, rowCount), transpose(rows.load(i, size)));
  if (variant.score)
    x = variant.score(p, x, place);
  if (variant.mask)
    x = mask(x, variant.mask(p, place));
  rows.store(i, x);
  Expected<TracedProgram> traced = finish(std::move(p));
  if (!traced)
    return traced.takeError();
  auto function = *traced->module->getOps<mlir::func::FuncOp>().begin();
  for (const Argument &argument : ArgumentBlock::of(function).arguments)
    if (isArgumentOfCalls(argument.name))
      return refuse(ErrorCode::invalidValue, "an argument of the variant", argument.name,
                    "a name that attention does not use itself");
  std::string text;
  raw_string_ostream os(text);
  traced->module->print(os);
  return text;
}

Expected<int64_t> registerVariant(Variant variant) {
  if (!variant.score && !variant.mask)
    return refuse(ErrorCode::invalidValue, "the variant", "empty", "a score or a mask function");
  Expected<std::string> ir = irOf(variant);
  if (!ir)
    return ir.takeError();
  auto hash = BLAKE3::hash(arrayRefFromStringRef(*ir));
  // 48 bits are exact in every language's numbers.
  auto fingerprint = static_cast<int64_t>(support::endian::read64le(hash.data()) >> 16);
  std::lock_guard lock(registry().mutex);
  registry().variants.insert({fingerprint, std::move(variant)});
  return fingerprint;
}

Expected<Variant> findVariant(int64_t fingerprint) {
  if (fingerprint == 0)
    return Variant();
  std::lock_guard lock(registry().mutex);
  auto found = registry().variants.find(fingerprint);
  if (found == registry().variants.end())
    return refuse(ErrorCode::unknownVariant, "variant", fmt::format("{}", fingerprint),
                  "the fingerprint of a registered variant");
  return found->second;
}

} // namespace tessera
