// RUN: tessera-opt %s --verify-diagnostics --split-input-file

// A mask of one row must be broadcast first.

func.func @mask_of_other_shape(%s: tensor<96x64xf32>, %keep: tensor<1x64xi1>) -> tensor<96x64xf32> {
  // expected-error @+1 {{'tile.mask' op failed to verify that keep has the shape of source}}
  %x = "tile.mask"(%s, %keep) : (tensor<96x64xf32>, tensor<1x64xi1>) -> tensor<96x64xf32>
  return %x : tensor<96x64xf32>
}

// -----

func.func @count_of_open_range(%a: index, %b: index, %c: index) -> index {
  // expected-error @+1 {{'tile.count' op has 2 starts and 1 ends}}
  %n = tile.count (%a, %b) to (%c)
  return %n : index
}

// -----

func.func @nth_of_open_range(%n: index, %a: index) -> index {
  // expected-error @+1 {{'tile.nth' op has 0 starts and 1 ends}}
  %j = tile.nth %n of () to (%a)
  return %j : index
}
