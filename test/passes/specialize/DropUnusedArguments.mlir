// RUN: tessera-opt %s --tile-drop-unused-arguments | FileCheck %s

// Arguments nothing reads go; the others keep their order and their names.

// CHECK-LABEL: func @slopes_unread
// CHECK-SAME:    (%[[Q:.*]]: !tile.view<64xf32> {tile.name = "q"}, %[[I:.*]]: index {tile.name = "i"})
func.func @slopes_unread(%q: !tile.view<64xf32> {tile.name = "q"},
                         %slopes: !tile.table<2xf32> {tile.name = "alibi_slopes"},
                         %i: index {tile.name = "i"}) -> index {
  // CHECK-NEXT: tile.length %[[Q]][%[[I]]]
  %length = tile.length %q[%i] : !tile.view<64xf32>
  return %length : index
}

// An argument that is only read under a branch stays.

// CHECK-LABEL: func @read_in_branch
// CHECK-SAME:    tile.name = "q"
// CHECK-SAME:    tile.name = "some"
func.func @read_in_branch(%q: !tile.view<64xf32> {tile.name = "q"}, %some: i1 {tile.name = "some"},
                          %tile: tensor<96x64xf32> {tile.name = "tile"}) {
  scf.if %some {
    %zero = arith.constant 0 : index
    tile.store %tile, %q[%zero, %zero] tile %zero : tensor<96x64xf32>, !tile.view<64xf32>
  }
  return
}

// Nothing is known about a function without a body.

// CHECK: func private @declared(index)
func.func private @declared(index)
