// RUN: tessera-opt %s --verify-diagnostics --split-input-file

func.func @fetch_with_one_coordinate(%slopes: !tile.table<2xf32>, %i: index) -> f32 {
  // expected-error @+1 {{'tile.fetch' op has 1 coordinates, the table has 2 dimensions}}
  %slope = tile.fetch %slopes[%i] : !tile.table<2xf32> -> f32
  return %slope : f32
}

// -----

func.func @fetch_without_coordinates(%slopes: !tile.table<2xf32>) -> f32 {
  // expected-error @+1 {{'tile.fetch' op has 0 coordinates, the table has 2 dimensions}}
  %slope = tile.fetch %slopes[] : !tile.table<2xf32> -> f32
  return %slope : f32
}

// -----

func.func @fetch_of_another_type(%lengths: !tile.table<1xi32>, %i: index) -> f32 {
  // expected-error @+1 {{'tile.fetch' op gives 'f32', the table holds 'i32'}}
  %length = tile.fetch %lengths[%i] : !tile.table<1xi32> -> f32
  return %length : f32
}

// -----

func.func @gather_with_two_coordinates(%table: !tile.table<1xf32>, %i: tensor<96x64xi32>)
    -> tensor<96x64xf32> {
  // expected-error @+1 {{'tile.gather' op has 2 coordinates, the table has 1 dimensions}}
  %bias = tile.gather %table[%i, %i] : !tile.table<1xf32>, tensor<96x64xi32> -> tensor<96x64xf32>
  return %bias : tensor<96x64xf32>
}

// -----

func.func @gather_without_coordinates(%table: !tile.table<1xf32>) -> tensor<96x64xf32> {
  // expected-error @+1 {{'tile.gather' op has 0 coordinates, the table has 1 dimensions}}
  %bias = tile.gather %table[] : !tile.table<1xf32>, tensor<96x64xi32> -> tensor<96x64xf32>
  return %bias : tensor<96x64xf32>
}

// -----

func.func @gather_of_another_type(%table: !tile.table<1xf32>, %i: tensor<96x64xi32>)
    -> tensor<96x64xi32> {
  // expected-error @+1 {{'tile.gather' op gives 'i32', the table holds 'f32'}}
  %bias = tile.gather %table[%i] : !tile.table<1xf32>, tensor<96x64xi32> -> tensor<96x64xi32>
  return %bias : tensor<96x64xi32>
}

// -----

// Coordinates are not repeated by themselves.

func.func @gather_at_a_row(%table: !tile.table<1xf32>, %i: tensor<1x64xi32>) -> tensor<96x64xf32> {
  // expected-error @+1 {{'tile.gather' op coordinates are 'tensor<1x64xi32>', the result is 'tensor<96x64xf32>'}}
  %bias = tile.gather %table[%i] : !tile.table<1xf32>, tensor<1x64xi32> -> tensor<96x64xf32>
  return %bias : tensor<96x64xf32>
}

// -----

func.func @gather_at_floats(%table: !tile.table<1xf32>, %i: tensor<96x64xf32>)
    -> tensor<96x64xf32> {
  // expected-error @+1 {{'tile.gather' op operand #1 must be variadic of tile of 32-bit signless integer values}}
  %bias = tile.gather %table[%i] : !tile.table<1xf32>, tensor<96x64xf32> -> tensor<96x64xf32>
  return %bias : tensor<96x64xf32>
}
