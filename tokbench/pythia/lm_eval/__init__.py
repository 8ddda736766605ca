"""The LM Evaluation Harness on tokbench's backends: its model `tokbench`.

The harness has no entry points for models. Importing this package makes the model known to it:

    import lm_eval
    import tokbench.pythia.lm_eval

    lm_eval.simple_evaluate(model="tokbench", model_args="pretrained=PATH,backend=llamacpp", tasks=["lambada_openai"])

`tokbench-lm-eval` is the harness's command line with it.
"""

from __future__ import annotations

from tokbench.errors import MissingExtraError

NAME = "tokbench"
"""What the harness calls the model."""


def register_model() -> None:
    """Make the model known to the harness; it is imported on first use.

    Raises MissingExtraError without the harness.
    """
    try:
        from lm_eval.api.registry import model_registry
    except ModuleNotFoundError as error:
        raise MissingExtraError("lm_eval", "lm-eval", "the LM Evaluation Harness") from error
    if NAME not in model_registry:
        model_registry.register(NAME, target="tokbench.pythia.lm_eval.model:HarnessModel")


def run_harness() -> None:
    """Run the harness's command line on the arguments of this process."""
    from lm_eval.__main__ import cli_evaluate

    cli_evaluate()


register_model()
