//===- Lesson 4: one program, many kernels --------------------------------===//
//
// The library's own attention is one program, kernels/FlashForward.cpp. A key
// names one variant of it; the compiler makes each from the same traced module.
// This lesson reads and writes keys and looks at what they make of the program.
//
//===----------------------------------------------------------------------===//

#include "dsl/Key.h"
#include "runtime/Compiler.h"

#include "llvm/Support/raw_ostream.h"

using namespace tessera;
using llvm::outs;
using llvm::StringRef;

/// How often a word occurs in the text of a stage.
static size_t count(StringRef text, StringRef word) { return text.count(word); }

int main() {
  //===--------------------------------------------------------------------===//
  // A key has a text
  //===--------------------------------------------------------------------===//

  // Words come in any order. What is left out has its default, and defaults are
  // left out again when the key is printed.
  Key key = llvm::cantFail(parseKey("causal, d64, f32, window_left"));
  outs() << str(key) << "\n";

  // A key is also a plain struct, one member for each line of dsl/Key.def.
  Key same;
  same.q = same.kv = same.v = same.o = DType::f32;
  same.headDim = 64;
  same.causal = same.windowLeft = true;
  outs() << (key == same ? "equal" : "different") << "\n";

  // Fields that change nothing are dropped, so that equal kernels have equal
  // keys: sinks without a window, or an alignment that nothing compares with.
  outs() << str(llvm::cantFail(parseKey("f32,d64,sink_tokens,top_left"))) << "\n";

  // What cannot be is refused in the user's words.
  llvm::Expected<Key> misspelled = parseKey("f32,d64,casual");
  outs() << toString(misspelled.takeError()) << "\n";
  llvm::Expected<Key> odd = parseKey("f32,d60");
  outs() << toString(odd.takeError()) << "\n";

  //===--------------------------------------------------------------------===//
  // Each key makes a kernel of its own
  //===--------------------------------------------------------------------===//

  // Every stage of a kernel is text that can be looked at. `generic` still asks
  // for features; `specialized` has no such question left, only the arguments
  // its features need, and a loop with a mask beside one without.
  Compiler compiler;
  for (StringRef text : {"f32,d64", "f32,d64,causal", "f32,d64,causal,alibi,lse"}) {
    Key key = llvm::cantFail(parseKey(text));
    std::string generic = llvm::cantFail(compiler.emit(key, Stage::generic));
    std::string special = llvm::cantFail(compiler.emit(key, Stage::specialized));
    outs() << str(key) << "\n";
    for (auto [stage, ir] : {std::pair{"generic", &generic}, {"specialized", &special}})
      outs() << "  " << stage << ": " << count(*ir, "tile.key_flag") << " questions, "
             << count(*ir, "tile.name") << " arguments, " << count(*ir, "scf.for") << " loops, "
             << count(*ir, "tile.mask ") << " masks\n";
  }

  //===--------------------------------------------------------------------===//
  // and a name in caches
  //===--------------------------------------------------------------------===//

  // The hash covers the bytes of the key, the generic program and the versions
  // of everything that compiles it. Two spellings of one key have one hash.
  KernelHash one = llvm::cantFail(compiler.hash(key));
  KernelHash other =
      llvm::cantFail(compiler.hash(llvm::cantFail(parseKey("window_left,causal,f32,d64,dv=64"))));
  KernelHash third = llvm::cantFail(compiler.hash(llvm::cantFail(parseKey("f32,d64"))));
  outs() << (one == other ? "same kernel" : "two kernels") << "\n"
         << (one == third ? "same kernel" : "two kernels") << "\n";
  return 0;
}
