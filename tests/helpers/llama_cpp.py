"""GGUF files with a vocabulary and a tiny model around it, and the ids that llama.cpp itself gives for texts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

Value = bool | int | bytes


def write(
    path: Path,
    kind: str,
    tokens: Sequence[str],
    types: Sequence[int],
    *,
    pre: str = "default",
    merges: Sequence[str] | None = None,
    scores: Sequence[float] | None = None,
    fields: Mapping[str, Value] | None = None,
) -> Path:
    """Write a vocabulary as llama.cpp's converter does, for a model of one layer that llama.cpp loads."""
    from gguf import GGUFWriter

    width = 64
    writer = GGUFWriter(path, "llama")
    for add in (writer.add_embedding_length, writer.add_feed_forward_length, writer.add_context_length):
        add(width)
    writer.add_block_count(1)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_rope_dimension_count(width // 2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model(kind)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(list(tokens))
    writer.add_token_types(list(types))
    if merges is not None:
        writer.add_token_merges(list(merges))
    if scores is not None:
        writer.add_token_scores(list(scores))
    special: dict[str, Value] = dict.fromkeys(("bos_token_id", "eos_token_id", "seperator_token_id"), 0)
    for key, value in (special | dict(fields or {})).items():
        name = f"tokenizer.ggml.{key}"
        if isinstance(value, bytes):
            writer.add_array(name, value)
        elif isinstance(value, bool):
            writer.add_bool(name, value)
        else:
            writer.add_uint32(name, value)
    shapes = {"token_embd": (len(tokens), width), "output_norm": (width,)}
    shapes |= {f"blk.0.{name}_norm": (width,) for name in ("attn", "ffn")}
    shapes |= {f"blk.0.attn_{name}": (width, width) for name in ("q", "k", "v", "output")}
    shapes |= {f"blk.0.ffn_{name}": (width, width) for name in ("gate", "up", "down")}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", np.zeros(shape, np.float16 if len(shape) > 1 else np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def encode(path: Path, texts: Sequence[str]) -> list[list[int]]:
    """The ids of each text by llama.cpp, special tokens neither added nor read, from a process of its own."""
    command = [sys.executable, __file__, str(path)]
    answer = subprocess.run(command, input=json.dumps(list(texts)), capture_output=True, text=True, check=True)
    found: list[list[int]] = json.loads(answer.stdout.splitlines()[-1])
    return found


def serve(path: str) -> None:
    """Load a file, print the ids of the texts on standard input, end at once."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = 64
    params.n_parallel = params.cpuparams.n_threads = 1
    params.n_gpu_layers = 0
    params.verbosity = -1
    params.fit_params = params.warmup = params.ui = params.use_jinja = params.enable_chat_template = False
    server = xllamacpp.Server(params)
    address = urlsplit(server.listening_address)
    connection = HTTPConnection(address.hostname or "", address.port or 0)
    found = []
    for text in json.load(sys.stdin):
        question = {"content": text, "add_special": False, "parse_special": False}
        connection.request("POST", "/tokenize", json.dumps(question), {"Content-Type": "application/json"})
        found.append(json.loads(connection.getresponse().read())["tokens"])
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()
    os._exit(0)  # a server that is closed before its loop has begun waits for ever


if __name__ == "__main__":
    serve(sys.argv[1])
