//===- result.h - a value, or why there is none ---------------------------===//

#ifndef TESSERA_TESSERA_RESULT_H
#define TESSERA_TESSERA_RESULT_H

#include "../tessera.h"

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace tessera {

/// Why something was refused.
struct Error {
  tessera_status status;
  std::string message;  ///< all of it in one line
  std::string subject;  ///< what is wrong: `q.shape[3]`
  std::string found;    ///< the offending value
  std::string expected; ///< what it should be
  std::string nearest;  ///< the nearest supported value or key; may be empty
};

/// A value, or why there is none.
template <class T = void>
class [[nodiscard]] Result {
public:
  Result(T value) : content(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return content.index() == 0; }

  /// The value. There must be one.
  T &operator*() & { return value(); }
  const T &operator*() const & { return const_cast<Result *>(this)->value(); }
  T &&operator*() && { return std::move(value()); }
  T *operator->() { return &value(); }
  const T *operator->() const { return &const_cast<Result *>(this)->value(); }

  /// Why there is no value. There must be none.
  const Error &error() const {
    assert(content.index() == 1 && "a result with a value has no error");
    return *std::get_if<1>(&content);
  }

private:
  T &value() {
    assert(content.index() == 0 && "a result with an error has no value; ask it first");
    return *std::get_if<0>(&content);
  }

  std::variant<T, Error> content;
};

template <>
class [[nodiscard]] Result<void> {
public:
  Result() = default;
  Result(Error error) : content(std::move(error)) {}

  explicit operator bool() const { return !content; }
  const Error &error() const {
    assert(content && "a success has no error");
    return *content;
  }

private:
  std::optional<Error> content;
};

namespace detail {

/// Takes over an error of the C interface.
inline Error take(tessera_error *error) {
  Error taken{tessera_error_status(error),   tessera_error_message(error),
              tessera_error_subject(error),  tessera_error_found(error),
              tessera_error_expected(error), tessera_error_nearest(error)};
  tessera_error_destroy(error);
  return taken;
}

inline Result<> done(tessera_error *error) {
  if (error)
    return take(error);
  return {};
}

/// Takes over a text.
inline Result<std::string> taken(tessera_text *text, tessera_error *error) {
  if (error)
    return take(error);
  std::string copy = tessera_text_str(text);
  tessera_text_destroy(text);
  return copy;
}

} // namespace detail

} // namespace tessera

#endif // TESSERA_TESSERA_RESULT_H
