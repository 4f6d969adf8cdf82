//===- main.cpp - attention through an installed package ------------------===//

#include "Check.h"

int main() {
  tessera::Result<tessera::Engine> engine = tessera::Engine::create();
  CHECK_DONE(engine);
  if (!engine)
    return 1;
  testAttention(*engine);
  testAppend(*engine);
  testErrors(*engine);
  testVariants(*engine);
  tessera::Engine moved = *std::move(engine);
  CHECK_DONE(moved.run(Operands().call()));
  std::cout << (failures ? "some checks failed\n" : "all as it should be\n");
  return failures != 0;
}
