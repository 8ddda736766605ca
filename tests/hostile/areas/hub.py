"""Answers of a hub that lies, stalls, drips or redirects."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

from hostile.bases import Bases
from hostile.case import Case
from hostile.outcomes import is_json
from hostile.processes import reread_environment, run_command
from hostile.references import has_ids_of
from hostile.server import LIES, MODES, SLOW, Server
from tokbench.catalog import network

TEXT = "the fox 42"
ENVIRONMENT = {
    "HF_HUB_OFFLINE": None,
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
}
KINDS = ("tokenizer.json", "sentencepiece", "tekken")


def draw(pick: random.Random, folder: Path, bases: Bases) -> Case:
    """Draw a case."""
    kind = pick.choice(KINDS)
    path = bases.tokenizers[kind]
    mode = pick.choice(SLOW) if pick.random() < 0.03 else pick.choice(MODES)
    name = "tokenizer.model" if path.suffix == ".model" else path.name
    server = Server(path.read_bytes(), mode, name)
    commands = ("encode",) * 5 + ("pull", "pull", "pull known", "compare", "model", "afterwards")
    command = pick.choice(commands)
    repository = pick.choice(("a/b", "a/b", "a/b@main", f"a/b@{'a' * 40}", "b", "a/" + "b" * 90))
    lines = {
        "encode": ("encode", f"hf:{repository}", TEXT, "--json"),
        "pull": ("pull", f"hf:{repository}"),
        "pull known": ("pull", pick.choice(("gpt2", "t5", "bert-base-multilingual-cased"))),  # which no package has
        "compare": ("compare", f"hf:{repository}", "utf8", "-c", bases.small, "--no-throughput", "--skip-missing"),
        "model": ("model", "score", repository, "-c", bases.small),
        "afterwards": ("encode", "hf:a/b", TEXT, "--json"),
    }
    if command == "afterwards":
        server.mode = mode = pick.choice(LIES)
    honest = command == "afterwards" or (mode == "honest" and command == "encode" and "@" not in repository)
    reference = has_ids_of(kind, path, TEXT) if command in ("encode", "afterwards") and kind != "tekken" else None
    refused = command == "pull known" or (mode in LIES[:4] and command in ("encode", "pull"))
    return Case(
        f"{command}, {kind}: {mode}",
        lines[command],
        environment=ENVIRONMENT,
        before=lambda: start(server, first=command == "afterwards"),
        refused=refused,
        accepted=honest,
        checks=(is_json,) if "--json" in lines[command] else (),
        reference=reference,
        escapes="--json" not in lines[command],
    )


def start(server: Server, *, first: bool) -> None:
    """Start the server in this process, and name it to the library; first: run the command once on its lies."""
    server.start()
    network.LIMITS = replace(network.LIMITS, silence=2.0, notice=0.5, grace=4.0)  # a case ends within ten seconds
    os.environ["HF_ENDPOINT"] = f"http://127.0.0.1:{server.port}"
    reread_environment()
    if first:
        child = os.fork()
        if not child:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 1)
            os.dup2(null, 2)
            os._exit(run_command(("encode", "hf:a/b", TEXT)))
        os.waitpid(child, 0)
        server.mode = "honest"
