// RUN: tessera-opt %s | tessera-opt | FileCheck %s
// RUN: tessera-opt %s --mlir-print-op-generic | tessera-opt | FileCheck %s

// A view has the width and the type of its rows; fp8 too.

// CHECK-LABEL: func private @views
// CHECK-SAME:    !tile.view<128xf32>, !tile.view<64xf16>, !tile.view<64xbf16>, !tile.view<1xf32>
func.func private @views(!tile.view<128xf32>, !tile.view<64xf16>, !tile.view<64xbf16>,
                         !tile.view<1xf32>)

// CHECK-LABEL: func private @views_of_bytes
// CHECK-SAME:    !tile.view<64xf8E4M3FN>, !tile.view<64xf8E5M2>
func.func private @views_of_bytes(!tile.view<64xf8E4M3FN>, !tile.view<64xf8E5M2>)

// A table has a number of dimensions, not their extents, and the type of its
// numbers.

// CHECK-LABEL: func private @tables
// CHECK-SAME:    !tile.table<1xi32>, !tile.table<2xf32>, !tile.table<3xf32>, !tile.table<4xi32>
func.func private @tables(!tile.table<1xi32>, !tile.table<2xf32>, !tile.table<3xf32>,
                          !tile.table<4xi32>)
