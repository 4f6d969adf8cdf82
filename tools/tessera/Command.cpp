//===- Command.cpp - what subcommands share -------------------------------===//

#include "tools/tessera/Command.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

Error tessera::writeFile(const std::string &path, function_ref<void(raw_ostream &)> write) {
  std::error_code code;
  raw_fd_ostream file(path, code, sys::fs::OF_None);
  if (!code) {
    write(file);
    file.close();
    code = file.error();
    file.clear_error(); // else the stream ends the program
  }
  if (code)
    return failure("{}: cannot write: {}", path, code.message());
  return Error::success();
}
