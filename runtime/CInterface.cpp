//===- CInterface.cpp - tessera.h: errors, engines and questions ----------===//

#include "runtime/CInterface.h"

using namespace llvm;
using namespace tessera;
using namespace tessera::c;

//===----------------------------------------------------------------------===//
// Status and errors
//===----------------------------------------------------------------------===//

// A refusal's code is the status that a caller sees.
#define TESSERA_SAME(code, status) static_assert(static_cast<int>(ErrorCode::code) == status)
TESSERA_SAME(invalidKey, TESSERA_INVALID_KEY);
TESSERA_SAME(unsupportedDType, TESSERA_UNSUPPORTED_DTYPE);
TESSERA_SAME(unsupportedHeadDim, TESSERA_UNSUPPORTED_HEAD_DIM);
TESSERA_SAME(invalidRank, TESSERA_INVALID_RANK);
TESSERA_SAME(invalidShape, TESSERA_INVALID_SHAPE);
TESSERA_SAME(invalidStride, TESSERA_INVALID_STRIDE);
TESSERA_SAME(misaligned, TESSERA_MISALIGNED);
TESSERA_SAME(missingTensor, TESSERA_MISSING_TENSOR);
TESSERA_SAME(invalidValue, TESSERA_INVALID_VALUE);
TESSERA_SAME(invalidLengths, TESSERA_INVALID_LENGTHS);
TESSERA_SAME(invalidPages, TESSERA_INVALID_PAGES);
TESSERA_SAME(overlap, TESSERA_OVERLAP);
TESSERA_SAME(unknownVariant, TESSERA_UNKNOWN_VARIANT);
TESSERA_SAME(unsupportedTarget, TESSERA_UNSUPPORTED_TARGET);
TESSERA_SAME(internalError, TESSERA_INTERNAL_ERROR);
#undef TESSERA_SAME

tessera_status c::finish(Error result, tessera_error **error, Blame otherwise) {
  if (error)
    *error = nullptr;
  if (!result)
    return TESSERA_OK;
  tessera_error report = {otherwise.status, "", otherwise.subject, "", "", ""};
  handleAllErrors(
      std::move(result),
      [&](const Refusal &refusal) {
        report = {static_cast<tessera_status>(refusal.code),
                  refusal.message(),
                  refusal.subject,
                  refusal.found,
                  refusal.expected,
                  refusal.nearest};
      },
      [&](const ErrorInfoBase &other) {
        report.message += report.message.empty() ? other.message() : "; " + other.message();
      });
  tessera_status status = report.status;
  if (error)
    *error = new tessera_error(std::move(report));
  return status;
}

Error c::refuseNull(std::string subject, std::string expected) {
  return refuse(ErrorCode::invalidValue, std::move(subject), "null", std::move(expected));
}

const char *tessera_status_name(tessera_status status) {
  switch (status) {
#define TESSERA_NAME(status)                                                                       \
  case status:                                                                                     \
    return #status;
    TESSERA_NAME(TESSERA_OK)
    TESSERA_NAME(TESSERA_INVALID_KEY)
    TESSERA_NAME(TESSERA_UNSUPPORTED_DTYPE)
    TESSERA_NAME(TESSERA_UNSUPPORTED_HEAD_DIM)
    TESSERA_NAME(TESSERA_INVALID_RANK)
    TESSERA_NAME(TESSERA_INVALID_SHAPE)
    TESSERA_NAME(TESSERA_INVALID_STRIDE)
    TESSERA_NAME(TESSERA_MISALIGNED)
    TESSERA_NAME(TESSERA_MISSING_TENSOR)
    TESSERA_NAME(TESSERA_INVALID_VALUE)
    TESSERA_NAME(TESSERA_INVALID_LENGTHS)
    TESSERA_NAME(TESSERA_INVALID_PAGES)
    TESSERA_NAME(TESSERA_OVERLAP)
    TESSERA_NAME(TESSERA_UNKNOWN_VARIANT)
    TESSERA_NAME(TESSERA_UNSUPPORTED_TARGET)
    TESSERA_NAME(TESSERA_INTERNAL_ERROR)
#undef TESSERA_NAME
  }
  return "unknown status"; // a number of the caller's own
}

tessera_status tessera_error_status(const tessera_error *error) {
  return error ? error->status : TESSERA_OK;
}
const char *tessera_error_message(const tessera_error *error) {
  return error ? error->message.c_str() : "";
}
const char *tessera_error_subject(const tessera_error *error) {
  return error ? error->subject.c_str() : "";
}
const char *tessera_error_found(const tessera_error *error) {
  return error ? error->found.c_str() : "";
}
const char *tessera_error_expected(const tessera_error *error) {
  return error ? error->expected.c_str() : "";
}
const char *tessera_error_nearest(const tessera_error *error) {
  return error ? error->nearest.c_str() : "";
}
void tessera_error_destroy(tessera_error *error) { delete error; }

const char *tessera_version(void) { return TESSERA_VERSION; }

//===----------------------------------------------------------------------===//
// Engines
//===----------------------------------------------------------------------===//

tessera_status tessera_engine_create(tessera_engine **engine, tessera_error **error) {
  auto create = [&]() -> Error {
    if (Error null = requireAll({"engine"}, engine))
      return null;
    *engine = nullptr;
    Expected<Config> config = Config::fromEnvironment();
    if (!config)
      return config.takeError();
    Expected<std::unique_ptr<Engine>> made = Engine::create(*config);
    if (!made)
      return made.takeError();
    *engine = new tessera_engine{std::move(*made)};
    return Error::success();
  };
  // A TESSERA_* variable, or a cache folder: the caller's to mend.
  return finish(create(), error, {TESSERA_INVALID_VALUE, "environment"});
}

void tessera_engine_destroy(tessera_engine *engine) { delete engine; }

//===----------------------------------------------------------------------===//
// Texts and questions
//===----------------------------------------------------------------------===//

const char *tessera_text_str(const tessera_text *text) { return text ? text->text.c_str() : ""; }
void tessera_text_destroy(tessera_text *text) { delete text; }

tessera_status tessera_supports(const char *key, tessera_text **normalized, tessera_error **error) {
  auto ask = [&]() -> Error {
    if (normalized)
      *normalized = nullptr;
    if (Error null = requireAll({"key"}, key))
      return null;
    Expected<Key> parsed = parseKey(key);
    if (!parsed)
      return parsed.takeError();
    if (normalized)
      give(str(*parsed), normalized);
    return Error::success();
  };
  return finish(ask(), error);
}

tessera_status tessera_attention_key(const tessera_attention *call, tessera_text **key,
                                     tessera_error **error) {
  auto ask = [&]() -> Error {
    if (Error null = requireAll({"key"}, key))
      return null;
    *key = nullptr;
    Expected<Attention> attention = toAttention(call);
    if (!attention)
      return attention.takeError();
    Expected<Key> found = keyOf(*attention);
    if (!found)
      return found.takeError();
    give(str(*found), key);
    return Error::success();
  };
  return finish(ask(), error);
}

tessera_status tessera_attention_explain(tessera_engine *engine, const tessera_attention *call,
                                         tessera_text **json, tessera_error **error) {
  auto ask = [&]() -> Error {
    if (Error null = requireAll({"json", "engine"}, json, engine))
      return null;
    *json = nullptr;
    Expected<Attention> attention = toAttention(call);
    if (!attention)
      return attention.takeError();
    Expected<std::string> text = explain(*engine->engine, *attention);
    if (!text)
      return text.takeError();
    give(std::move(*text), json);
    return Error::success();
  };
  return finish(ask(), error);
}

/// The stage of that name; an unknown one is the caller's mistake.
static Expected<Stage> stageNamed(StringRef name) {
  std::string all, nearest;
  unsigned best = ~0u;
  for (const StageInfo &info : stages()) {
    if (info.name == name)
      return info.stage;
    all += (all.empty() ? "one of " : ", ") + info.name.str();
    if (unsigned distance = name.edit_distance(info.name); distance < best) {
      best = distance;
      nearest = info.name.str();
    }
  }
  return refuse(ErrorCode::invalidValue, "stage", fmt::format("\"{}\"", name.str()), all, nearest);
}

tessera_status tessera_compile(tessera_engine *engine, const char *key, const char *stage,
                               tessera_text **text, tessera_error **error) {
  auto ask = [&]() -> Error {
    if (Error null = requireAll({"text", "engine", "key", "stage"}, text, engine, key, stage))
      return null;
    *text = nullptr;
    Expected<Key> parsed = parseKey(key);
    if (!parsed)
      return parsed.takeError();
    Expected<Stage> named = stageNamed(stage);
    if (!named)
      return named.takeError();
    Expected<std::string> emitted = engine->engine->compiler().emit(*parsed, *named);
    if (!emitted)
      return emitted.takeError();
    give(std::move(*emitted), text);
    return Error::success();
  };
  return finish(ask(), error);
}
