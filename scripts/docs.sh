#!/usr/bin/env bash
# Writes the generated pages of docs/ anew: the dialects and the passes from
# their TableGen files, the fields of the key from dsl/Key.def, the support matrix
# from docs/SupportCells.h. test/docs/generated.test fails while a page is out of date.
source "$(dirname "$0")/setup.sh"
ninja -C build tessera-docs
for page in tile-dialect sm-dialect passes key-fields support-matrix; do
  cp "build/docs/$page.md" "docs/$page.md"
done
