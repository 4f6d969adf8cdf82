// RUN: tessera-opt %s --verify-diagnostics --split-input-file

// A forgotten transposition.

func.func @dot_of_different_depth(%q: tensor<96x128xf32>, %k: tensor<64x128xf32>,
                                  %acc: tensor<96x128xf32>) -> tensor<96x128xf32> {
  // expected-error @+1 {{'tile.dot' op contraction sizes differ: lhs has 128 columns, rhs has 64 rows}}
  %s = tile.dot %q, %k, %acc : tensor<96x128xf32>, tensor<64x128xf32> -> tensor<96x128xf32>
  return %s : tensor<96x128xf32>
}

// -----

func.func @dot_with_wrong_columns(%q: tensor<96x128xf32>, %kt: tensor<128x64xf32>,
                                  %acc: tensor<96x128xf32>) -> tensor<96x128xf32> {
  // expected-error @+1 {{'tile.dot' op accumulator must be 96 x 64, found 96 x 128}}
  %s = tile.dot %q, %kt, %acc : tensor<96x128xf32>, tensor<128x64xf32> -> tensor<96x128xf32>
  return %s : tensor<96x128xf32>
}

// -----

func.func @dot_with_wrong_rows(%q: tensor<96x128xf32>, %kt: tensor<128x64xf32>,
                               %acc: tensor<64x64xf32>) -> tensor<64x64xf32> {
  // expected-error @+1 {{'tile.dot' op accumulator must be 96 x 64, found 64 x 64}}
  %s = tile.dot %q, %kt, %acc : tensor<96x128xf32>, tensor<128x64xf32> -> tensor<64x64xf32>
  return %s : tensor<64x64xf32>
}

// -----

// Products are summed in f32, whatever their operands are.

func.func @dot_into_bf16(%q: tensor<96x128xbf16>, %kt: tensor<128x64xbf16>,
                         %acc: tensor<96x64xbf16>) -> tensor<96x64xbf16> {
  // expected-error @+1 {{'tile.dot' op operand #2 must be tile of 32-bit float values}}
  %s = tile.dot %q, %kt, %acc : tensor<96x128xbf16>, tensor<128x64xbf16> -> tensor<96x64xbf16>
  return %s : tensor<96x64xbf16>
}

// -----

// Only what has an extent of one can be repeated.

func.func @broadcast_of_rows(%rows: tensor<2x64xf32>) -> tensor<96x64xf32> {
  // expected-error @+1 {{'tile.broadcast' op cannot repeat 2 x 64 to 96 x 64}}
  %tile = tile.broadcast %rows : tensor<2x64xf32> -> tensor<96x64xf32>
  return %tile : tensor<96x64xf32>
}

// -----

func.func @broadcast_of_columns(%tile: tensor<96x64xf32>) -> tensor<96x1xf32> {
  // expected-error @+1 {{'tile.broadcast' op cannot repeat 96 x 64 to 96 x 1}}
  %column = tile.broadcast %tile : tensor<96x64xf32> -> tensor<96x1xf32>
  return %column : tensor<96x1xf32>
}

// -----

// A tile has two extents, also where the type of the result follows from it.

func.func @transpose_of_vector(%vector: tensor<64xf32>) {
  // expected-error @+1 {{'tile.transpose' op operand #0 must be tile}}
  %transposed = tile.transpose %vector : tensor<64xf32>
  return
}

// -----

func.func @reduce_of_vector(%vector: tensor<64xf32>) {
  // expected-error @+1 {{'tile.reduce' op operand #0 must be tile}}
  %sum = tile.reduce add %vector : tensor<64xf32>
  return
}

// -----

// Columns are the same in each row: a row says it all.

func.func @iota_of_rows() -> tensor<2x64xi32> {
  // expected-error @+1 {{'tile.iota' op result must have one row, found 2}}
  %column = tile.iota : tensor<2x64xi32>
  return %column : tensor<2x64xi32>
}

// -----

func.func @exchange_of_nothing(%x: tensor<96x64xf32>) -> tensor<96x64xf32> {
  // expected-error @+1 {{'tile.exchange' op run must be positive, found 0}}
  %y = tile.exchange %x by 0 : tensor<96x64xf32>
  return %y : tensor<96x64xf32>
}

// -----

func.func @exchange_backwards(%x: tensor<96x64xf32>) -> tensor<96x64xf32> {
  // expected-error @+1 {{'tile.exchange' op run must be positive, found -1}}
  %y = tile.exchange %x by -1 : tensor<96x64xf32>
  return %y : tensor<96x64xf32>
}
