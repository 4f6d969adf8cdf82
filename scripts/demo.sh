#!/usr/bin/env bash
# Sets up, builds and runs attention on real input: queries, keys and values of
# a language model, compared with what the model itself computed. Once cold and
# once from the cache, as three variants; on the GPU, where there is one that
# kernels are made for, else on this CPU.
source "$(dirname "$0")/setup.sh"
ninja -C build tessera

tessera=build/bin/tessera
data=examples/minilm
out=build/demo
rm -rf "$out" && mkdir -p "$out"
export TESSERA_CACHE_DIR="$PWD/$out/cache"

"$tessera" supports --here > "$out/machines" # the last is the fastest
read -r target machine < <(tail -n 1 "$out/machines")
tolerance=1e-5
types=()
if [[ $target != host ]]; then
  # GPUs compute with 16 bits. Rounding q, k and v alone moves the output by 0.024.
  types=(--dtype bf16 --out-dtype f32)
  tolerance=0.05
fi
echo "Computing on $machine ($target)"

# attend NAME OPTIONS...: cold, then from the disk cache.
attend() {
  local name=$1
  shift
  for run in cold cached; do
    echo
    echo "--- $name, $run"
    "$tessera" attend --target "$target" "${types[@]}" --q "$data/q.npy" --k "$data/k.npy" --v "$data/v.npy" \
      --out "$out/$name.npy" --check "$@"
  done
}

rows=243 # tokens of the paragraph in examples/minilm/text.txt
attend full --expect "$data/out.npy" --tolerance $tolerance
attend causal --causal
attend causal-window-alibi --causal --window-left 100 --alibi auto

echo
echo "--- visited tiles"
"$tessera" explain --key=f32,d32,causal,window_left,alibi --seqlen-q $rows --seqlen-kv $rows \
  --window-left 100 --svg "$out/tiles.svg"
echo
"$tessera" cache ls
echo
echo "Computed on $machine ($target)"
echo "Outputs: $out/*.npy   Picture of the visited tiles: $out/tiles.svg"
