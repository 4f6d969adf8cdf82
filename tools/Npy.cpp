#include "tools/Npy.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <optional>
#include <string>

using namespace llvm;
using namespace tessera;

// The format is NEP 1: the magic, a version, the length of the header, the
// header as a Python dictionary padded with spaces to end in '\n', the data.
static constexpr StringLiteral magic("\x93NUMPY");
static constexpr size_t versionEnd = 8; // magic, major, minor
static constexpr size_t dataAlignment = 64;
// NumPy's own limits: NPY_MAXDIMS, and max_header_size of numpy.load.
static constexpr size_t maxRank = 64;
static constexpr size_t maxHeaderSize = 10000;

namespace {

struct TypeInfo {
  NpyType type;
  StringLiteral name, descr;
  size_t size;
};

} // namespace

static constexpr TypeInfo typeInfos[] = {
    {NpyType::f16, "f16", "<f2", 2},
    {NpyType::bf16, "bf16", "<V2", 2},
    {NpyType::f32, "f32", "<f4", 4},
    {NpyType::f64, "f64", "<f8", 8},
};
static constexpr StringLiteral
    supportedTypes("'<f2' (f16), '<V2' (bf16), '<f4' (f32) or '<f8' (f64)");

static_assert(endianness::native == endianness::little,
              "elements are read and written as they lie in memory");

static const TypeInfo &infoOf(NpyType type) {
  return *find_if(typeInfos, [&](const TypeInfo &info) { return info.type == type; });
}

size_t tessera::elementSize(NpyType type) { return infoOf(type).size; }

StringRef tessera::str(NpyType type) { return infoOf(type).name; }

int64_t NpyArray::numElements() const { return product_of(shape); }

static Error errorIn(StringRef path, const Twine &message) {
  return createStringError(Twine(path) + ": " + message);
}

static Error errorIn(StringRef path, const Twine &message, std::error_code code) {
  return createStringError(code, Twine(path) + ": " + message + ": " + code.message());
}

/// Text of a file, made harmless and short enough for a message.
static std::string quoted(StringRef text) {
  constexpr size_t longest = 60;
  std::string result = "'";
  raw_string_ostream os(result);
  printEscapedString(text.take_front(longest), os);
  os << (text.size() > longest ? "...'" : "'");
  return result;
}

/// The shape as Python writes it.
static std::string tupleOf(ArrayRef<int64_t> shape) {
  const auto sizes = map_range(shape, [](int64_t n) { return itostr(n); });
  return "(" + join(sizes, ", ") + (shape.size() == 1 ? ",)" : ")");
}

/// `shape (2, 3) of f32`, for messages.
static std::string describe(NpyType type, ArrayRef<int64_t> shape) {
  return "shape " + tupleOf(shape) + " of " + str(type).str();
}

/// The bytes that `shape` takes; nothing when int64 cannot count them. A zero
/// in the shape does not excuse the other dimensions: strides are computed from
/// them.
static std::optional<int64_t> numBytes(NpyType type, ArrayRef<int64_t> shape) {
  int64_t bytes = elementSize(type);
  bool empty = false;
  for (int64_t size : shape) {
    if (size < 0)
      return std::nullopt;
    empty |= size == 0;
    if (size != 0 && MulOverflow(bytes, size, bytes))
      return std::nullopt;
  }
  return empty ? 0 : bytes;
}

//===----------------------------------------------------------------------===//
// Header
//===----------------------------------------------------------------------===//

namespace {

struct Header {
  NpyType type = NpyType::f32;
  std::vector<int64_t> shape;
};

/// Reads `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`, which
/// is all of Python that NumPy writes for the supported types. Keys may come in
/// any order.
class HeaderParser {
public:
  HeaderParser(StringRef path, StringRef text) : path(path), text(text), rest(text) {}

  Expected<Header> parse();

private:
  Error parseEntry(StringRef key, Header &header);
  Error parseType(NpyType &type);
  Error parseOrder();
  Error parseShape(std::vector<int64_t> &shape);
  Error parseString(StringRef &value);
  Error expect(char c);

  /// Skips white space, then takes `token` if it comes next.
  bool consume(StringRef token) {
    rest = rest.ltrim(" \t\r\n");
    return rest.consume_front(token);
  }

  Error malformed(const Twine &expected) {
    rest = rest.ltrim(" \t\r\n");
    return errorIn(path, "malformed .npy header: expected " + expected + " at byte " +
                             Twine(text.size() - rest.size()) + " of the header, found " +
                             (rest.empty() ? "its end" : quoted(rest)));
  }

  StringRef path, text, rest;
};

} // namespace

Error HeaderParser::expect(char c) {
  return consume(StringRef(&c, 1)) ? Error::success() : malformed("'" + Twine(c) + "'");
}

Error HeaderParser::parseString(StringRef &value) {
  for (StringRef quote : {"'", "\""}) {
    if (!consume(quote))
      continue;
    const size_t end = rest.find(quote);
    if (end == StringRef::npos)
      return malformed("a closing quote after");
    value = rest.take_front(end);
    rest = rest.drop_front(end + 1);
    return Error::success();
  }
  return malformed("a string");
}

Error HeaderParser::parseType(NpyType &type) {
  rest = rest.ltrim(" \t\r\n");
  if (rest.starts_with("["))
    return errorIn(path,
                   "unsupported element type: expected " + supportedTypes + ", found a record");
  StringRef descr;
  if (Error error = parseString(descr))
    return error;
  // NumPy drops the byte order of opaque bytes when it saves them again.
  const StringRef known = descr == "|V2" ? "<V2" : descr;
  const auto *info = find_if(typeInfos, [&](const TypeInfo &info) { return info.descr == known; });
  if (info == std::end(typeInfos))
    return errorIn(path, "unsupported element type: expected " + supportedTypes + ", found " +
                             quoted(descr));
  type = info->type;
  return Error::success();
}

Error HeaderParser::parseOrder() {
  if (consume("False"))
    return Error::success();
  if (consume("True"))
    return errorIn(path, "expected C order, found Fortran order; save it with "
                         "numpy.ascontiguousarray");
  return malformed("True or False");
}

Error HeaderParser::parseShape(std::vector<int64_t> &shape) {
  if (Error error = expect('('))
    return error;
  while (!consume(")")) {
    if (consume("-"))
      return errorIn(path, "expected a shape without negative sizes, found '-" +
                               rest.take_while(isDigit).take_front(20) + "'");
    const StringRef digits = rest.take_while(isDigit);
    if (digits.empty())
      return malformed("a size");
    int64_t size;
    if (digits.getAsInteger(10, size))
      return errorIn(path, "expected sizes below 2^63 in the shape, found " + quoted(digits));
    if (shape.size() == maxRank)
      return errorIn(path, "expected at most " + Twine(maxRank) + " dimensions, found more");
    rest = rest.drop_front(digits.size());
    shape.push_back(size);
    const bool comma = consume(",");
    if (comma)
      continue;
    if (shape.size() == 1) // `(3)` is a number in Python; `(3,)` is a tuple
      return malformed("','");
    return expect(')');
  }
  return Error::success();
}

Error HeaderParser::parseEntry(StringRef key, Header &header) {
  if (key == "descr")
    return parseType(header.type);
  if (key == "fortran_order")
    return parseOrder();
  return parseShape(header.shape);
}

Expected<Header> HeaderParser::parse() {
  constexpr StringLiteral keys[] = {"descr", "fortran_order", "shape"};
  Header header;
  bool seen[std::size(keys)] = {};

  if (Error error = expect('{'))
    return error;
  while (!consume("}")) {
    StringRef key;
    if (Error error = parseString(key))
      return error;
    const size_t n = find(keys, key) - keys;
    if (n == std::size(keys))
      return errorIn(path, "malformed .npy header: expected 'descr', "
                           "'fortran_order' and 'shape', found " +
                               quoted(key));
    if (seen[n])
      return errorIn(path, "malformed .npy header: '" + key + "' appears twice");
    seen[n] = true;
    if (Error error = expect(':'))
      return error;
    if (Error error = parseEntry(key, header))
      return error;
    if (consume(","))
      continue;
    if (Error error = expect('}'))
      return error;
    break;
  }
  for (size_t n = 0; n < std::size(keys); ++n)
    if (!seen[n])
      return errorIn(path, "malformed .npy header: '" + keys[n] + "' is missing");
  if (!rest.trim(" \t\r\n").empty())
    return malformed("the end");
  return header;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {

/// An open file and its length.
struct InputFile {
  StringRef path;
  sys::fs::file_t handle;
  uint64_t size;

  /// Fills `bytes` from `offset`; the caller has checked the length, so an
  /// early end means that somebody is changing the file.
  Error read(MutableArrayRef<char> bytes, uint64_t offset) const;
};

} // namespace

Error InputFile::read(MutableArrayRef<char> bytes, uint64_t offset) const {
  while (!bytes.empty()) {
    Expected<size_t> count = sys::fs::readNativeFileSlice(handle, bytes, offset);
    if (!count)
      return errorIn(path, "cannot read", errorToErrorCode(count.takeError()));
    if (*count == 0)
      return errorIn(path, "the file became shorter while it was read");
    bytes = bytes.drop_front(*count);
    offset += *count;
  }
  return Error::success();
}

static Expected<NpyArray> readOpenFile(const InputFile &file) {
  const StringRef path = file.path;
  char prefix[versionEnd + 4] = {}; // as far as a version 2 header's length
  const size_t available = std::min<uint64_t>(file.size, sizeof(prefix));
  if (Error error = file.read({prefix, available}, 0))
    return error;

  const StringRef start(prefix, available);
  if (!start.starts_with(magic))
    return errorIn(path,
                   "not an .npy file: expected it to start with " + quoted(magic) + ", found " +
                       (start.empty() ? "an empty file" : quoted(start.take_front(magic.size()))));
  const auto truncated = [&](uint64_t expected) {
    return errorIn(path, "truncated .npy header: expected at least " + Twine(expected) +
                             " bytes, found " + Twine(file.size));
  };
  if (available < versionEnd)
    return truncated(versionEnd);
  const unsigned major = uint8_t(prefix[6]), minor = uint8_t(prefix[7]);
  if ((major != 1 && major != 2) || minor != 0)
    return errorIn(path,
                   "expected .npy version 1.0 or 2.0, found " + Twine(major) + "." + Twine(minor));
  const size_t headerStart = versionEnd + (major == 1 ? 2 : 4);
  if (available < headerStart)
    return truncated(headerStart);

  const size_t headerSize = major == 1 ? support::endian::read16le(prefix + versionEnd)
                                       : support::endian::read32le(prefix + versionEnd);
  if (headerSize > maxHeaderSize)
    return errorIn(path, "expected an .npy header of at most " + Twine(maxHeaderSize) +
                             " bytes, found " + Twine(headerSize));
  const uint64_t dataStart = headerStart + headerSize;
  if (file.size < dataStart)
    return truncated(dataStart);
  std::string text(headerSize, 0);
  if (Error error = file.read({text.data(), text.size()}, headerStart))
    return error;
  Expected<Header> header = HeaderParser(path, text).parse();
  if (!header)
    return header.takeError();

  const std::optional<int64_t> bytes = numBytes(header->type, header->shape);
  if (!bytes)
    return errorIn(path, "expected data of less than 2^63 bytes, found " +
                             describe(header->type, header->shape));
  const uint64_t found = file.size - dataStart;
  if (found != uint64_t(*bytes))
    return errorIn(path, Twine(found < uint64_t(*bytes) ? "truncated data" : "trailing bytes") +
                             ": expected " + Twine(*bytes) + " bytes of data for " +
                             describe(header->type, header->shape) + ", found " + Twine(found));

  NpyArray array;
  array.type = header->type;
  array.shape = std::move(header->shape);
  array.data.resize(*bytes);
  if (Error error =
          file.read({reinterpret_cast<char *>(array.data.data()), size_t(*bytes)}, dataStart))
    return error;
  return array;
}

Expected<NpyArray> tessera::readNpy(StringRef path) {
  Expected<sys::fs::file_t> handle = sys::fs::openNativeFileForRead(path);
  if (!handle)
    return errorIn(path, "cannot open", errorToErrorCode(handle.takeError()));
  scope_exit close([&] { (void)sys::fs::closeFile(*handle); });

  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(*handle, status))
    return errorIn(path, "cannot read", code);
  // Only a regular file has a length to check the header against.
  if (status.type() != sys::fs::file_type::regular_file)
    return errorIn(path, "expected a regular file, found a directory or device");
  return readOpenFile({path, *handle, status.getSize()});
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

/// Magic to padding: everything before the data.
static std::string headerOf(NpyType type, ArrayRef<int64_t> shape) {
  std::string header = "{'descr': '" + infoOf(type).descr.str() +
                       "', 'fortran_order': False, 'shape': " + tupleOf(shape) + ", }";
  constexpr size_t headerStart = versionEnd + 2;
  const size_t used = headerStart + header.size() + 1; // and the line feed
  header.append(alignTo(used, dataAlignment) - used, ' ');
  header += '\n';

  char length[2];
  support::endian::write16le(length, header.size());
  return magic.str() + std::string("\1\0", 2) + std::string(length, 2) + header;
}

/// Opens a new file beside `path`, so that renaming it stays on one file
/// system.
static std::error_code openBeside(StringRef path, int &descriptor, std::string &name) {
  constexpr unsigned maxAttempts = 128;
  std::error_code code;
  for (unsigned attempt = 0; attempt < maxAttempts; ++attempt) {
    name = (path + ".tmp-" + Twine(sys::Process::getProcessId()) + "-" + Twine(attempt)).str();
    code = sys::fs::openFileForWrite(name, descriptor, sys::fs::CD_CreateNew);
    if (code != std::errc::file_exists)
      return code;
  }
  return code;
}

Error tessera::writeNpy(StringRef path, NpyType type, ArrayRef<int64_t> shape,
                        ArrayRef<std::byte> data) {
  if (shape.size() > maxRank)
    return errorIn(path, "cannot write: expected at most " + Twine(maxRank) +
                             " dimensions, found " + Twine(shape.size()));
  const std::optional<int64_t> bytes = numBytes(type, shape);
  if (!bytes)
    return errorIn(path, "cannot write: expected sizes that are not negative "
                         "and less than 2^63 bytes of data, found " +
                             describe(type, shape));
  if (data.size() != uint64_t(*bytes))
    return errorIn(path, "cannot write: expected " + Twine(*bytes) + " bytes of data for " +
                             describe(type, shape) + ", found " + Twine(data.size()));

  int descriptor;
  std::string temporary;
  if (std::error_code code = openBeside(path, descriptor, temporary))
    return errorIn(path, "cannot write", code);
  scope_exit remove([&] { (void)sys::fs::remove(temporary); });

  raw_fd_ostream os(descriptor, /*shouldClose=*/true, /*unbuffered=*/true);
  os << headerOf(type, shape)
     << StringRef(reinterpret_cast<const char *>(data.data()), data.size());
  os.close();
  if (os.has_error()) {
    const std::error_code code = os.error();
    os.clear_error(); // else the stream ends the program
    return errorIn(path, "cannot write", code);
  }
  if (std::error_code code = sys::fs::rename(temporary, path))
    return errorIn(path, "cannot write", code);
  remove.release();
  return Error::success();
}
