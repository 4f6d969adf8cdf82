// RUN: tessera-opt %s | tessera-opt | FileCheck %s
// RUN: tessera-opt %s --mlir-print-op-generic | tessera-opt | FileCheck %s

// A view has the width and the type of its rows.

// CHECK-LABEL: func private @views
// CHECK-SAME:    !tile.view<128xf32>, !tile.view<64xf16>, !tile.view<64xbf16>, !tile.view<1xf32>
func.func private @views(!tile.view<128xf32>, !tile.view<64xf16>, !tile.view<64xbf16>,
                         !tile.view<1xf32>)

// CHECK-LABEL: func private @per_head
// CHECK-SAME:    !tile.per_head
func.func private @per_head(!tile.per_head)
