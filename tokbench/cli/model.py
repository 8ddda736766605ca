"""`tokbench model`: the Pythia models, and what follows from their shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokbench.cli._options import Json
from tokbench.cli.listing import write_field, write_rows

if TYPE_CHECKING:
    from tokbench.pythia.model.models import Model

app = typer.Typer(name="model", help="Pythia models: facts, sizes, costs.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the models, each trained on the Pile and on the deduplicated Pile."""
    from tokbench.pythia.model.models import suite

    frame = suite()
    if as_json:
        typer.echo(json.dumps(frame.to_dicts(), ensure_ascii=False, indent=1))
        return
    columns = [name for name in frame.columns if name not in ("size", "deduped", "hub_id", "licence")]
    rows = [{**row, "learning_rate": f"{row['learning_rate']:.1e}"} for row in frame.select(columns).to_dicts()]
    typer.echo(write_rows(rows), nl=False)


@app.command("show")
def show_model(
    name: Annotated[str, typer.Argument(help="Size, name, hub id or old name, such as 1.4b or pythia-1.4b-deduped.")],
    as_json: Json = False,
) -> None:
    """Show a model's facts and the parameters, FLOPs and memory they imply."""
    from tokbench.pythia.model.memory import weight_table
    from tokbench.pythia.model.models import find_model

    model = find_model(name)
    facts = gather_facts(model)
    weights = weight_table(model.architecture).to_dicts()
    if as_json:
        typer.echo(json.dumps({**facts, "weights": weights}, ensure_ascii=False, indent=1, default=str))
        return
    width = max(map(len, facts))
    for key, value in facts.items():
        typer.echo(f"{key.ljust(width)}  {write_fact(value)}")
    typer.echo()
    rows = [
        {
            "weights": row["quantization"],
            "bits": row["bits_per_weight"],
            "MiB": f"{row['weight_bytes'] / 2**20:,.1f}",
            "since": row["since"],
            "until": row["until"],
            "runs": "yes" if row["runnable"] else "no",
        }
        for row in weights
    ]
    typer.echo(write_rows(rows), nl=False)


def gather_facts(model: Model) -> Mapping[str, Any]:
    """Collect everything known about a model, in display order; FLOPs are per token."""
    from tokbench.pythia.model.arithmetic import (
        decode_flops,
        flops_per_token,
        kv_cache_bytes,
        logits_share,
        non_embedding_parameters,
        parameters,
        training_flops,
    )
    from tokbench.pythia.model.models import revisions

    shape = model.architecture
    first, last = revisions()[0], revisions()[-1]
    return {
        "name": model.name,
        "hub_id": model.hub_id,
        "old_name": model.old_name,
        "licence": model.licence,
        "corpus": model.corpus,
        "equivalents": list(model.equivalents),
        "parameters": parameters(shape),
        "non_embedding": non_embedding_parameters(shape),
        "layers": shape.layers,
        "width": shape.width,
        "heads": shape.heads,
        "head_width": shape.head_width,
        "rotary_width": shape.rotary_width,
        "mlp_width": shape.mlp_width,
        "context": shape.context,
        "vocabulary": model.vocabulary,
        "vocab_rows": shape.vocab_rows,
        "vocab_multiple": model.vocab_multiple,
        "batch_tokens": model.batch_tokens,
        "batch_tokens_v0": model.batch_tokens_v0,
        "learning_rate": model.learning_rate,
        "checkpoints": len(revisions()),
        "first_checkpoint": first.name,
        "last_checkpoint": last.name,
        "tokens_seen": last.tokens_seen,
        "training_flops": training_flops(shape, last.tokens_seen, shape.context),
        "flops_per_token_scoring": flops_per_token(shape, shape.context),
        "flops_per_token_decode_first": decode_flops(shape, 1),
        "flops_per_token_decode_full_context": decode_flops(shape, shape.context),
        "logits_share": logits_share(shape, shape.context),
        "kv_bytes_per_token_16_bit": kv_cache_bytes(shape, 1),
    }


def write_fact(value: Any) -> str:
    """Format a fact: thousands separators, floats to three significant digits."""
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else write_field(value)
