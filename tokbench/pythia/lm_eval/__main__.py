"""The harness's command line with the model `tokbench`: `python -m tokbench.pythia.lm_eval --model tokbench ...`."""

from __future__ import annotations

import sys

from tokbench._shared.visible_text import reveal_controls
from tokbench.errors import TokbenchError

USAGE_ERROR = 2


def main() -> None:
    """Run the harness: an error that a user can fix is one line and exit status 2."""
    try:
        from lm_eval.__main__ import cli_evaluate

        cli_evaluate()
    except TokbenchError as error:
        sys.stderr.write(f"tokbench: {reveal_controls(str(error))}\n")
        sys.exit(USAGE_ERROR)


if __name__ == "__main__":
    main()
