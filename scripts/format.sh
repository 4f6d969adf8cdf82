#!/usr/bin/env bash
# Formats every C++ file; with --tidy also runs clang-tidy over those that
# changed against HEAD (needs a configured build).
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files '*.cpp' '*.h' | xargs clang-format -i
if [[ ${1:-} == --tidy ]]; then
  git diff --name-only --diff-filter=d HEAD -- '*.cpp' | xargs -r clang-tidy -p build --quiet
fi
