#!/usr/bin/env bash
# Sets up, builds and runs attention on real input: queries, keys and values of
# a language model, compared with what the model itself computed. Once cold and
# once from the cache, as three variants.
source "$(dirname "$0")/setup.sh"
ninja -C build tessera

tessera=build/bin/tessera
data=examples/minilm
out=build/demo
rm -rf "$out" && mkdir -p "$out"
export TESSERA_CACHE_DIR="$PWD/$out/cache"

# attend NAME OPTIONS...: cold, then from the disk cache.
attend() {
  local name=$1
  shift
  for run in cold cached; do
    echo
    echo "--- $name, $run"
    "$tessera" attend --q "$data/q.npy" --k "$data/k.npy" --v "$data/v.npy" \
      --out "$out/$name.npy" --check "$@"
  done
}

rows=243 # tokens of the paragraph in examples/minilm/text.txt
attend full --expect "$data/out.npy" --tolerance 1e-5
attend causal --causal
attend causal-window-alibi --causal --window-left 100 --alibi auto

echo
echo "--- visited tiles"
"$tessera" explain --key=f32,d32,causal,window_left,alibi --seqlen-q $rows --seqlen-kv $rows \
  --window-left 100 --svg "$out/tiles.svg"
echo
"$tessera" cache ls
echo
echo "Outputs: $out/*.npy   Picture of the visited tiles: $out/tiles.svg"
