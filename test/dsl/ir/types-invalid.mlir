// RUN: tessera-opt %s --verify-diagnostics --split-input-file

// expected-error @+1 {{width must be positive, found 0}}
func.func private @no_columns(!tile.view<0xf32>)

// -----

// expected-error @+1 {{element type must be f32, f16, bf16, f8E4M3FN or f8E5M2, found 'f64'}}
func.func private @doubles(!tile.view<64xf64>)

// -----

// expected-error @+1 {{element type must be f32, f16, bf16, f8E4M3FN or f8E5M2, found 'i32'}}
func.func private @integers(!tile.view<64xi32>)

// -----

// Where rows lie is not part of the type, so it has one extent.

// expected-error @+1 {{expected one size, found 2}}
func.func private @two_widths(!tile.view<96x64xf32>)

// -----

// expected-error @+1 {{expected one size, found 0}}
func.func private @no_width(!tile.view<f32>)

// -----

// Only two of the formats of fp8 are known.

// expected-error @+1 {{element type must be f32, f16, bf16, f8E4M3FN or f8E5M2, found 'f8E4M3'}}
func.func private @other_bytes(!tile.view<64xf8E4M3>)

// -----

// expected-error @+1 {{rank must be 1 to 4, found 0}}
func.func private @table_without_dimensions(!tile.table<0xf32>)

// -----

// expected-error @+1 {{rank must be 1 to 4, found 5}}
func.func private @table_of_five_dimensions(!tile.table<5xf32>)

// -----

// expected-error @+1 {{element type must be f32 or i32, found 'bf16'}}
func.func private @table_of_halves(!tile.table<2xbf16>)

// -----

// expected-error @+1 {{element type must be f32 or i32, found 'i64'}}
func.func private @table_of_wide_integers(!tile.table<2xi64>)

// -----

// A table has one rank, not extents.

// expected-error @+1 {{expected one size, found 2}}
func.func private @table_of_extents(!tile.table<4x8xf32>)

// -----

// expected-error @+1 {{expected one size, found 0}}
func.func private @table_of_nothing(!tile.table<i32>)
