"""`tokbench-lm-eval`: the command line of the LM Evaluation Harness, which knows the model `tokbench` here.

Also `python -m tokbench.cli.lm_eval`. Its options are the harness's own, such as `--model tokbench --tasks TASK`.
"""

from __future__ import annotations

import sys

from tokbench.cli._echo import echo
from tokbench.errors import TokbenchError

USAGE_ERROR = 2


def main() -> None:
    """Run the harness: an error that a user can fix is one line and exit status 2."""
    try:
        import tokbench.pythia.lm_eval  # registers the model, or names the extra

        tokbench.pythia.lm_eval.run_harness()
    except TokbenchError as error:
        echo(f"tokbench: {error}", err=True)
        sys.exit(USAGE_ERROR)


if __name__ == "__main__":
    main()
