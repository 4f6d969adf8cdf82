// RUN: tessera-opt %s --verify-diagnostics --split-input-file

// Rows are reduced each on its own.

func.func @partial_reduction_of_other_rows(%e: tensor<64x64xf32>) -> tensor<128x4xf32> {
  // expected-error @+1 {{'tile.partial_reduce' op source has 64 rows, result has 128}}
  %part = tile.partial_reduce add %e : tensor<64x64xf32> -> tensor<128x4xf32>
  return %part : tensor<128x4xf32>
}

// -----

// What is spread is one number for each row.

func.func @spread_of_columns(%x: tensor<128x2xf32>) -> tensor<128x4xf32> {
  // expected-error @+1 {{'tile.spread' op source must be 128 x 1, found 128 x 2}}
  %part = tile.spread %x : tensor<128x2xf32> -> tensor<128x4xf32>
  return %part : tensor<128x4xf32>
}

// -----

func.func @spread_of_other_rows(%l: tensor<64x1xf32>) -> tensor<128x4xf32> {
  // expected-error @+1 {{'tile.spread' op source must be 128 x 1, found 64 x 1}}
  %part = tile.spread %l : tensor<64x1xf32> -> tensor<128x4xf32>
  return %part : tensor<128x4xf32>
}
