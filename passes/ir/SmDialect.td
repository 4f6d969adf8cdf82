//===- SmDialect.td - the sm dialect -----------------------*- tablegen -*-===//

#ifndef TESSERA_PASSES_IR_SMDIALECT
#define TESSERA_PASSES_IR_SMDIALECT

include "mlir/IR/OpBase.td"

def Sm_Dialect : Dialect {
  let name = "sm";
  let cppNamespace = "::tessera::sm";
  let summary = "One multiprocessor: who does what, and when.";
  let description = [{
    A program at the stage `scheduled` is what one thread block does. Its warp
    groups have roles: a producer copies tiles into rings of shared buffers, a gatherer
    puts numbers of tables beside them, and consumers compute on both. Matrix products are issued and awaited. Tiles are
    still tensors, spread over the consumers' threads; which thread holds which
    element is decided when the dialect is lowered.

    Nothing here knows of attention, and little of one generation of
    machines: rings, roles and asynchronous products are those of any machine that
    copies and multiplies beside the arithmetic.
  }];
  let useDefaultTypePrinterParser = 1;
}

#endif // TESSERA_PASSES_IR_SMDIALECT
