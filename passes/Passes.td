//===- Passes.td - every pass of the compiler --------------*- tablegen -*-===//
//
// A file for each stage. passes/Pipelines.cpp tells them in order.
//
//===----------------------------------------------------------------------===//

#ifndef TESSERA_PASSES
#define TESSERA_PASSES

include "passes/specialize/Passes.td"
include "passes/schedule/Passes.td"
include "passes/nvptx/Passes.td"
include "passes/host/Passes.td"

#endif // TESSERA_PASSES
