// RUN: tessera-opt %s --verify-diagnostics --split-input-file

// expected-error @+1 {{width must be positive, found 0}}
func.func private @no_columns(!tile.view<0xf32>)

// -----

// expected-error @+1 {{element type must be f32, f16 or bf16, found 'f64'}}
func.func private @doubles(!tile.view<64xf64>)

// -----

// expected-error @+1 {{element type must be f32, f16 or bf16, found 'i32'}}
func.func private @integers(!tile.view<64xi32>)

// -----

// Where rows lie is not part of the type, so it has one extent.

// expected-error @+1 {{expected one width, found 2}}
func.func private @two_widths(!tile.view<96x64xf32>)

// -----

// expected-error @+1 {{expected one width, found 0}}
func.func private @no_width(!tile.view<f32>)
