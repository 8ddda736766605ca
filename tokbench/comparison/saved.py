"""Read saved comparisons."""

from __future__ import annotations

from pathlib import Path

from tokbench._shared.paths import shorten
from tokbench._shared.pipes import keep_pipe
from tokbench.comparison._comparison import DOCUMENT, Comparison
from tokbench.comparison._saved_schema import parse_saved
from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements


def load(path: str | Path) -> Comparison:
    """Load a comparison from a folder of `Comparison.save`, or from its JSON alone.

    Raises TokbenchError with the place of the first fault if it is not a saved comparison, or was changed since.
    """
    path = Path(path)
    try:
        file = keep_pipe(path / DOCUMENT if path.is_dir() else path)
        saved = parse_saved(file.read_bytes())
        measurements = Measurements.load(path) if path.is_dir() else None
    except OSError as error:
        reason = error.strerror or str(error).partition("\n")[0]
        raise TokbenchError(
            f"cannot read {shorten(str(error.filename or path))}: {reason}",
            "give a file written by `tokbench compare -o`",
        ) from error
    except (ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise TokbenchError(f"{file}: not a saved comparison ({reason})", "create it again") from error
    comparison = Comparison.from_saved(saved, measurements)
    check_consistency(comparison, saved.signature, file)
    return comparison


def check_consistency(comparison: Comparison, signature: str, file: Path) -> None:
    """Check that the signature follows from the fields, and that the counts are those of the comparison.

    Raises TokbenchError. Signatures of other versions of tokbench are not checked: their form may differ.
    """
    from tokbench import __version__

    if comparison.environment.tokbench == __version__ and comparison.signature() != signature:
        raise TokbenchError(f"{file}: the signature does not match the other fields: edited", "create it again")
    measurements = comparison.measurements
    if measurements is None:
        return
    measured = (set(measurements.tokenizers["tokenizer"]), set(measurements.texts["lang"]))
    if measured != (set(comparison.names), set(comparison.corpus.languages)):
        raise TokbenchError(
            f"{file}: its counts are of other tokenizers or languages", "give a folder written by `compare --save`"
        )
