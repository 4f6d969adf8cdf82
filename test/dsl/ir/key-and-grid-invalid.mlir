// RUN: tessera-opt %s --verify-diagnostics --split-input-file

// A misspelled flag names the nearest one.

func.func @misspelled_flag() -> i1 {
  // expected-error @+1 {{'tile.key_flag' op unknown flag "casual", the nearest is "causal"}}
  %flag = tile.key_flag "casual"
  return %flag : i1
}

// -----

// A field of the key that is no flag is not offered as the nearest flag.

func.func @field_that_is_no_flag() -> i1 {
  // expected-error @+1 {{'tile.key_flag' op unknown flag "dv", the nearest is "lse"}}
  %flag = tile.key_flag "dv"
  return %flag : i1
}

// -----

// The extents of a grid do not depend on a branch.

func.func @grid_in_branch(%n: index, %some: i1) {
  scf.if %some {
    // expected-error @+1 {{'tile.grid' op must stand in the entry block of a function}}
    %tile, %head, %batch = tile.grid %n, %n, %n
  }
  return
}

// -----

func.func @grid_in_later_block(%n: index) {
  llvm.br ^later
^later:
  // expected-error @+1 {{'tile.grid' op must stand in the entry block of a function}}
  %tile, %head, %batch = tile.grid %n, %n, %n
  return
}

// -----

// The second grid is the one at fault.

func.func @second_grid(%n: index) {
  %tile, %head, %batch = tile.grid %n, %n, %n
  // expected-error @+1 {{'tile.grid' op the function already has a grid}}
  %tile2, %head2, %batch2 = tile.grid %n, %n, %n
  return
}
