"""The ledger of one request: where its time goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.pythia.cost import Request
    from tokbench.report._document_model import Results


def trace(
    text: str,
    names: list[str],
    model: str | None,
    backend: str,
    quantization: str | None,
    request: Request,
    threads: int | None,
    offline: bool,
) -> Results:
    """Trace one request: `text` is read, and as much written as `request` says."""
    import numpy as np

    from tokbench._shared.environment import count_cores
    from tokbench.adapters import load_tokenizer
    from tokbench.cli._machine_load import announce_present_load
    from tokbench.cli.encode import read_input
    from tokbench.pythia.backends import run as load_runner
    from tokbench.pythia.cost import ANALYTIC, OWN_TOKENIZER, default_quantization
    from tokbench.pythia.cost.request_trace import trace_request
    from tokbench.pythia.formats.random_weights import open_or_make
    from tokbench.report._cost_results import show_trace

    if backend == ANALYTIC or model is None:
        raise TokbenchError("--ledger measures, so it needs a backend", "for example: --backend ctranslate2")
    if names != [OWN_TOKENIZER]:
        raise TokbenchError("--ledger runs the model with its own tokenizer", f"leave out {', '.join(names)}")
    if request.prompt_chars is not None:
        raise TokbenchError("--ledger reads its text", "leave out --prompt-chars")
    content = read_input() if text == "-" else text
    tokenizer = load_tokenizer(OWN_TOKENIZER, offline=offline)
    checkpoint = open_or_make(model, offline=offline)
    kind = quantization or default_quantization(backend)
    runner = load_runner(checkpoint, backend, kind, threads=threads or count_cores())
    chars = max(len(content), 1)
    prompt = int(tokenizer.count_batch([content])[0])
    _, written = request.count(np.array([float(chars)]), np.array([prompt / chars]))
    announce_present_load()
    try:
        found = trace_request(content.encode(), tokenizer, runner, max(round(float(written[0])), 1))
    finally:
        runner.close()
    facts = f"{checkpoint.name} {kind} on {backend}, weights: {checkpoint.weights}"
    return show_trace(found, facts, len(content.encode()))
