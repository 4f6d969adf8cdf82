//===- SmTypes.td - types of the sm dialect ----------------*- tablegen -*-===//

#ifndef TESSERA_PASSES_IR_SMTYPES
#define TESSERA_PASSES_IR_SMTYPES

include "passes/ir/SmDialect.td"
include "mlir/IR/AttrTypeBase.td"

class Sm_Type<string name, string typeMnemonic> : TypeDef<Sm_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Sm_RingType : Sm_Type<"Ring", "ring"> {
  let summary = "Shared buffers that hold tiles in turn.";
  let description = [{
    `stages` buffers for tiles of `rows` x `columns`. A producer fills them one
    after the other, consumers take them in the same order. Each role counts for itself
    how far it is. Beside its tile, a buffer may have room for a strip: that many neighbours of
    a table, of 32 bits each.

    Examples: `!sm.ring<2, 128x64, bf16>`, `!sm.ring<2, 128x64, bf16, strip 255>`
  }];
  let parameters = (ins "int64_t":$stages, "int64_t":$rows, "int64_t":$columns,
                        "::mlir::Type":$element, DefaultValuedParameter<"int64_t", "0">:$strip);
  let assemblyFormat = [{
    `<` $stages `,` custom<Extents>($rows, $columns) `,` $element (`,` `strip` $strip^)? `>`
  }];
}

def Sm_SlotType : Sm_Type<"Slot", "slot"> {
  let summary = "One filled buffer of a ring.";
  let description = [{
    Example: `!sm.slot<128x64, bf16>`
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "::mlir::Type":$element);
  let assemblyFormat = "`<` custom<Extents>($rows, $columns) `,` $element `>`";
}

def Sm_PlaceType : Sm_Type<"Place", "place"> {
  let summary = "A tile that stays in global memory.";
  let description = [{
    Example: `!sm.place<128x64, bf16>`
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "::mlir::Type":$element);
  let assemblyFormat = "`<` custom<Extents>($rows, $columns) `,` $element `>`";
}

#endif // TESSERA_PASSES_IR_SMTYPES
