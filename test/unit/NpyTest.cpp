#include "tools/Npy.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>

using namespace tessera;

namespace {

/// A fresh folder for each test, and a path in it.
class Npy : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("npy", folder));
    llvm::SmallString<128> file = folder;
    llvm::sys::path::append(file, "tensor.npy");
    path = file.str().str();
  }
  void TearDown() override { EXPECT_FALSE(llvm::sys::fs::remove_directories(folder)); }

  void put(llvm::StringRef bytes) {
    std::error_code code;
    llvm::raw_fd_ostream os(path, code);
    ASSERT_FALSE(code);
    os << bytes;
  }

  std::string get() {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    return buffer ? (*buffer)->getBuffer().str() : "(no file)";
  }

  /// What reading `bytes` complains about, without the path.
  std::string errorOf(llvm::StringRef bytes) {
    put(bytes);
    return messageOf(readNpy(path).takeError());
  }

  std::string messageOf(llvm::Error error) {
    if (!error)
      return "(no error)";
    std::string message = llvm::toString(std::move(error));
    EXPECT_EQ(message.rfind(path + ": ", 0), 0u) << message;
    return message.substr(std::min(message.size(), path.size() + 2));
  }

  /// Nothing but the file itself, in particular no temporary.
  int64_t filesInFolder() {
    std::error_code code;
    int64_t count = 0;
    for (llvm::sys::fs::directory_iterator it(folder, code), end; it != end && !code;
         it.increment(code))
      ++count;
    return count;
  }

  llvm::SmallString<128> folder;
  std::string path;
};

} // namespace

static std::string version1(llvm::StringRef header, llvm::StringRef data = "") {
  std::string file("\x93NUMPY\1\0", 8);
  file += char(header.size() & 0xff);
  file += char(header.size() >> 8);
  return file + header.str() + data.str();
}

static std::string version2(llvm::StringRef header, llvm::StringRef data = "") {
  std::string file("\x93NUMPY\2\0", 8);
  for (int n = 0; n < 4; ++n)
    file += char(header.size() >> (8 * n));
  return file + header.str() + data.str();
}

static std::string dictionary(llvm::StringRef descr, llvm::StringRef shape) {
  return ("{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }").str();
}

static std::string zeros(size_t count) { return std::string(count, '\0'); }

template <typename T>
static llvm::ArrayRef<std::byte> bytesOf(const std::vector<T> &values) {
  return {reinterpret_cast<const std::byte *>(values.data()), values.size() * sizeof(T)};
}

//===----------------------------------------------------------------------===//
// What works
//===----------------------------------------------------------------------===//

TEST_F(Npy, RoundTripOfEveryType) {
  const std::vector<std::byte> bytes = [] {
    std::vector<std::byte> bytes(2 * 3 * 8);
    for (size_t n = 0; n < bytes.size(); ++n)
      bytes[n] = std::byte(n * 37);
    return bytes;
  }();
  for (NpyType type : {NpyType::f16, NpyType::bf16, NpyType::f32, NpyType::f64}) {
    const auto data = llvm::ArrayRef(bytes).take_front(6 * elementSize(type));
    ASSERT_EQ(llvm::toString(writeNpy(path, type, {2, 3}, data)), "");
    llvm::Expected<NpyArray> array = readNpy(path);
    ASSERT_EQ(llvm::toString(array.takeError()), "");
    EXPECT_EQ(array->type, type);
    EXPECT_EQ(array->shape, (std::vector<int64_t>{2, 3}));
    EXPECT_EQ(array->numElements(), 6);
    EXPECT_EQ(llvm::ArrayRef(array->data), data);
    EXPECT_EQ(filesInFolder(), 1);
  }
}

TEST_F(Npy, RoundTripOfEveryRank) {
  const std::vector<std::vector<int64_t>> shapes = {{},     {0},       {5},
                                                    {1, 5}, {5, 0, 7}, {1, 1, 5, 1, 1}};
  for (const std::vector<int64_t> &shape : shapes) {
    int64_t count = 1;
    for (int64_t size : shape)
      count *= size;
    std::vector<float> values(count, 1.5f);
    ASSERT_EQ(llvm::toString(writeNpy(path, NpyType::f32, shape, bytesOf(values))), "");
    llvm::Expected<NpyArray> array = readNpy(path);
    ASSERT_EQ(llvm::toString(array.takeError()), "");
    EXPECT_EQ(array->shape, shape);
    EXPECT_EQ(array->elements<float>(), llvm::ArrayRef(values));
  }
}

// The very bytes that numpy.save writes.
TEST_F(Npy, WritesLikeNumpy) {
  const std::vector<float> values{1, 2};
  ASSERT_EQ(llvm::toString(writeNpy(path, NpyType::f32, {2}, bytesOf(values))), "");
  std::string header = dictionary("<f4", "(2,)");
  header.resize(0x76 - 1, ' ');
  EXPECT_EQ(get(), version1(header + "\n", llvm::StringRef("\0\0\x80\x3f\0\0\0\x40", 8)));
}

TEST_F(Npy, ReadsBothVersionsAndBothNamesOfBF16) {
  for (const std::string &file :
       {version1(dictionary("<V2", "(2,)"), "abcd"), version2(dictionary("|V2", "(2,)"), "abcd"),
        version1("{\"shape\":(2,),'descr':'|V2','fortran_order':False}\n", "abcd")}) {
    put(file);
    llvm::Expected<NpyArray> array = readNpy(path);
    ASSERT_EQ(llvm::toString(array.takeError()), "");
    EXPECT_EQ(array->type, NpyType::bf16);
    EXPECT_EQ(array->elements<uint16_t>()[1], 'c' | 'd' << 8);
  }
}

//===----------------------------------------------------------------------===//
// What is refused while reading
//===----------------------------------------------------------------------===//

TEST_F(Npy, NoFile) {
  EXPECT_EQ(messageOf(readNpy(path).takeError()), "cannot open: No such file or directory");
}

TEST_F(Npy, Folder) {
  path = folder.str().str();
  EXPECT_EQ(messageOf(readNpy(path).takeError()),
            "expected a regular file, found a directory or device");
}

TEST_F(Npy, NotAnNpyFile) {
  EXPECT_EQ(errorOf(""), "not an .npy file: expected it to start with "
                         "'\\93NUMPY', found an empty file");
  EXPECT_EQ(errorOf("PK\3\4 an .npz file"),
            "not an .npy file: expected it to start with '\\93NUMPY', found "
            "'PK\\03\\04 a'");
}

TEST_F(Npy, OtherVersion) {
  std::string file = version1(dictionary("<f4", "()"), zeros(4));
  file[6] = 3;
  EXPECT_EQ(errorOf(file), "expected .npy version 1.0 or 2.0, found 3.0");
}

// Cut anywhere, a file is refused and never read past its end.
TEST_F(Npy, EveryTruncation) {
  for (const std::string &file : {version1(dictionary("<f4", "(2,)"), zeros(8)),
                                  version2(dictionary("<f4", "(2,)"), zeros(8))})
    for (size_t length = 0; length < file.size(); ++length)
      EXPECT_NE(errorOf(llvm::StringRef(file).take_front(length)), "(no error)") << length;
}

TEST_F(Npy, TruncatedHeader) {
  EXPECT_EQ(errorOf(llvm::StringRef("\x93NUMPY\1", 7)),
            "truncated .npy header: expected at least 8 bytes, found 7");
  EXPECT_EQ(errorOf(llvm::StringRef("\x93NUMPY\1\0\x76\0{", 11)),
            "truncated .npy header: expected at least 128 bytes, found 11");
  EXPECT_EQ(errorOf(llvm::StringRef("\x93NUMPY\2\0\xff\xff\xff\xff", 12)),
            "expected an .npy header of at most 10000 bytes, found 4294967295");
}

TEST_F(Npy, WrongAmountOfData) {
  EXPECT_EQ(errorOf(version1(dictionary("<f4", "(2, 3)"), zeros(23))),
            "truncated data: expected 24 bytes of data for shape (2, 3) of f32, "
            "found 23");
  EXPECT_EQ(errorOf(version1(dictionary("<f2", "(3,)"), zeros(8))),
            "trailing bytes: expected 6 bytes of data for shape (3,) of f16, "
            "found 8");
}

TEST_F(Npy, UnsupportedType) {
  const std::string expected = "unsupported element type: expected '<f2' "
                               "(f16), '<V2' (bf16), '<f4' (f32) or '<f8' "
                               "(f64), found ";
  EXPECT_EQ(errorOf(version1(dictionary(">f4", "()"))), expected + "'>f4'");
  EXPECT_EQ(errorOf(version1(dictionary("<i8", "()"))), expected + "'<i8'");
  EXPECT_EQ(errorOf(version1(dictionary("a\nb", "()"))), expected + "'a\\0Ab'");
  EXPECT_EQ(errorOf(version1(dictionary(std::string(900, 'f'), "()"))),
            expected + "'" + std::string(60, 'f') + "...'");
  EXPECT_EQ(errorOf(version1("{'descr': [('x', '<f4')], 'fortran_order': "
                             "False, 'shape': ()}")),
            expected + "a record");
}

TEST_F(Npy, FortranOrder) {
  EXPECT_EQ(errorOf(version1("{'descr': '<f4', 'fortran_order': True, "
                             "'shape': (2, 3)}",
                             zeros(24))),
            "expected C order, found Fortran order; save it with "
            "numpy.ascontiguousarray");
}

TEST_F(Npy, ImpossibleShapes) {
  const auto errorFor = [&](llvm::StringRef shape) {
    return errorOf(version1(dictionary("<f4", shape)));
  };
  EXPECT_EQ(errorFor("(2, -3)"), "expected a shape without negative sizes, found '-3'");
  EXPECT_EQ(errorFor("(9223372036854775808,)"), "expected sizes below 2^63 in the shape, found "
                                                "'9223372036854775808'");
  EXPECT_EQ(errorFor("(4611686018427387904, 2)"),
            "expected data of less than 2^63 bytes, found shape "
            "(4611686018427387904, 2) of f32");
  // Zero elements, but strides that overflow.
  EXPECT_EQ(errorFor("(4611686018427387904, 2, 0)"),
            "expected data of less than 2^63 bytes, found shape "
            "(4611686018427387904, 2, 0) of f32");
  // As large as can be: no memory is taken for data that is not there.
  EXPECT_EQ(errorFor("(2305843009213693951,)"),
            "truncated data: expected 9223372036854775804 bytes of data for "
            "shape (2305843009213693951,) of f32, found 0");
  std::string deep = "(";
  for (int n = 0; n < 65; ++n)
    deep += "1, ";
  EXPECT_EQ(errorFor(deep + ")"), "expected at most 64 dimensions, found more");
}

TEST_F(Npy, MalformedHeaders) {
  const auto errorFor = [&](llvm::StringRef header) { return errorOf(version1(header)); };
  const std::string malformed = "malformed .npy header: ";
  EXPECT_EQ(errorFor(""), malformed + "expected '{' at byte 0 of the header, "
                                      "found its end");
  EXPECT_EQ(errorFor("{'descr' '<f4'}"), malformed + "expected ':' at byte 9 of the header, found "
                                                     "''<f4'}'");
  EXPECT_EQ(errorFor("{'descr: "), malformed + "expected a closing quote after "
                                               "at byte 2 of the header, found "
                                               "'descr: '");
  EXPECT_EQ(errorFor("{descr"), malformed + "expected a string at byte 1 of "
                                            "the header, found 'descr'");
  EXPECT_EQ(errorFor("{'fortran_order': 0}"),
            malformed + "expected True or False at byte 18 of the header, "
                        "found '0}'");
  EXPECT_EQ(errorFor("{'shape': (3)}"), malformed + "expected ',' at byte 12 "
                                                    "of the header, found "
                                                    "')}'");
  EXPECT_EQ(errorFor("{'shape': (3, 4"), malformed + "expected ')' at byte 15 "
                                                     "of the header, found its "
                                                     "end");
  EXPECT_EQ(errorFor("{'shape': (,)}"), malformed + "expected a size at byte "
                                                    "11 of the header, found "
                                                    "',)}'");
  EXPECT_EQ(errorFor("{'shape': (), 'shape': ()}"), malformed + "'shape' appears twice");
  EXPECT_EQ(errorFor("{'color': 1}"), malformed +
                                          "expected 'descr', 'fortran_order' and 'shape', found "
                                          "'color'");
  EXPECT_EQ(errorFor("{'descr': '<f4', 'shape': ()}"), malformed + "'fortran_order' is missing");
  EXPECT_EQ(errorFor(dictionary("<f4", "()") + " or 1"),
            malformed + "expected the end at byte 56 of the header, found "
                        "'or 1'");
}

// Any single byte may be wrong; the answer is an array or an error, not a
// crash.
TEST_F(Npy, EverySingleByteDamaged) {
  const std::string good = version1(dictionary("<f4", "(2, 3)"), zeros(24));
  for (size_t n = 0; n < good.size(); ++n)
    for (int value : {0x00, 0x27, 0x28, 0x2d, 0x39, 0x7f, 0xff}) {
      std::string file = good;
      file[n] = char(value);
      put(file);
      if (llvm::Expected<NpyArray> array = readNpy(path); !array)
        llvm::consumeError(array.takeError());
      else
        EXPECT_EQ(array->data.size(), array->numElements() * elementSize(array->type));
    }
}

//===----------------------------------------------------------------------===//
// What is refused while writing
//===----------------------------------------------------------------------===//

TEST_F(Npy, WriteChecksItsArguments) {
  put("precious");
  const std::vector<float> values{1, 2, 3};
  const auto errorFor = [&](std::vector<int64_t> shape) {
    return messageOf(writeNpy(path, NpyType::f32, shape, bytesOf(values)));
  };
  EXPECT_EQ(errorFor({2}), "cannot write: expected 8 bytes of data for shape "
                           "(2,) of f32, found 12");
  EXPECT_EQ(errorFor({-1, -3}), "cannot write: expected sizes that are not negative and less than "
                                "2^63 bytes of data, found shape (-1, -3) of f32");
  EXPECT_EQ(errorFor({std::numeric_limits<int64_t>::max(), 2}),
            "cannot write: expected sizes that are not negative and less than "
            "2^63 bytes of data, found shape (9223372036854775807, 2) of f32");
  EXPECT_EQ(errorFor(std::vector<int64_t>(65, 1)),
            "cannot write: expected at most 64 dimensions, found 65");
  EXPECT_EQ(get(), "precious");
  EXPECT_EQ(filesInFolder(), 1);
}

TEST_F(Npy, WriteReplacesOnlyWhenComplete) {
  const std::vector<float> values{1};
  put("older");
  ASSERT_EQ(llvm::toString(writeNpy(path, NpyType::f32, {1}, bytesOf(values))), "");
  EXPECT_NE(get(), "older");
  EXPECT_EQ(filesInFolder(), 1);

  // The name is taken by a folder, so the last step fails.
  const std::string file = path;
  path += ".folder";
  ASSERT_FALSE(llvm::sys::fs::create_directory(path));
  EXPECT_EQ(messageOf(writeNpy(path, NpyType::f32, {1}, bytesOf(values))),
            "cannot write: Is a directory");
  EXPECT_EQ(filesInFolder(), 2);

  path = file + "/inside.npy";
  EXPECT_EQ(messageOf(writeNpy(path, NpyType::f32, {1}, bytesOf(values))),
            "cannot write: Not a directory");
}

// A percent sign is no pattern, and what another process left is not touched.
TEST_F(Npy, WriteTakesPathsLiterally) {
  path += "%%%%.npy";
  const std::vector<float> values{1};
  ASSERT_EQ(llvm::toString(writeNpy(path, NpyType::f32, {1}, bytesOf(values))), "");
  EXPECT_TRUE(llvm::sys::fs::exists(path));
}
