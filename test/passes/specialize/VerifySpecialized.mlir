// RUN: tessera-opt %s --tile-verify-specialized --verify-diagnostics --split-input-file

// A specialized program is accepted.

module {
  func.func @good(%n: index {tile.name = "n"}) {
    %tile, %head, %batch = tile.grid %n, %n, %n
    return
  }
}

// -----

// expected-error @+1 {{expected one function, found 2}}
module {
  func.func @first(%n: index {tile.name = "n"}) {
    %tile, %head, %batch = tile.grid %n, %n, %n
    return
  }
  func.func @second(%n: index {tile.name = "n"}) {
    %tile, %head, %batch = tile.grid %n, %n, %n
    return
  }
}

// -----

// expected-error @+1 {{expected one function, found 0}}
module {
}

// -----

// expected-error @+1 {{expected a tile.grid, found none}}
func.func @without_grid() {
  return
}

// -----

// A function without a body has no grid either.

// expected-error @+1 {{expected a tile.grid, found none}}
func.func private @without_body()

// -----

// expected-error @+1 {{argument 1 has no tile.name}}
func.func @without_name(%n: index {tile.name = "n"}, %m: index) {
  %tile, %head, %batch = tile.grid %n, %m, %m
  return
}

// -----

// expected-error @+1 {{argument 1 is not used}}
func.func @unused_argument(%n: index {tile.name = "n"}, %slopes: !tile.table<2xf32> {tile.name = "s"}) {
  %tile, %head, %batch = tile.grid %n, %n, %n
  return
}

// -----

// The query of the key is named, not the function.

func.func @query_left(%n: index {tile.name = "n"}, %some: i1 {tile.name = "some"}) {
  %tile, %head, %batch = tile.grid %n, %n, %n
  scf.if %some {
    // expected-error @+1 {{a query of the key is left after specialization}}
    %causal = tile.key_flag "causal"
  }
  return
}
