// RUN: tessera-opt %s --tile-lower-views --verify-diagnostics --split-input-file

// Where rows lie is said by the key.

// expected-error @+1 {{has no tile.key: specialize it first}}
module {
  func.func @f(%q: !tile.view<64xf32> {tile.name = "q", tile.sequences = "q"}) {
    return
  }
}

// -----

// expected-error @+1 {{key: varlen_kv is on, expected off, pages are not packed; the nearest is fwd,host,bf16,d128,seqused_kv,paged}}
module attributes {tile.key = "paged,varlen_kv"} {
  func.func @f(%q: !tile.view<64xf32> {tile.name = "q", tile.sequences = "q"}) {
    return
  }
}
