"""Read the config.json of a GPT-NeoX model.

Each key is honoured, irrelevant here, or refused.

Names are those of `GPTNeoXConfig` in transformers 4 to 5 and of its base classes. If a key has an old and a new name,
the value is the one that transformers 5 uses, and no other name may contradict it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokbench.errors import TokbenchError
from tokbench.pythia.formats.checkpoint import Activation, Computation
from tokbench.pythia.model.architecture import Architecture, Mlp

KIND, CLASS = "gpt_neox", "GPTNeoXForCausalLM"
_ROTARY_BASE, _ROTARY_FRACTION = 10000, 0.25
_LARGEST = 1 << 31
_ROPE = ("rope_scaling", "rope_parameters")

HONOURED = frozenset(
    {"num_hidden_layers", "hidden_size", "num_attention_heads", "vocab_size", "max_position_embeddings"}
    | {"layer_norm_eps", "use_parallel_residual", "model_type", "architectures"}
    | {"rotary_pct", "partial_rotary_factor", "rotary_emb_base", "rope_theta", *_ROPE}
)

FIXED: Mapping[str, tuple[Any, ...]] = {
    "hidden_act": ("gelu", "gelu_python", "gelu_new", "gelu_fast", "gelu_pytorch_tanh"),
    "tie_word_embeddings": (False,),
    "attention_bias": (True,),
    "is_causal": (True,),
    "is_encoder_decoder": (False,),
    "add_cross_attention": (False,),
    "pruned_heads": ({},),
    "per_layer_config": ({},),
}
"""Keys with a single supported behaviour, and the values that mean it; so does null, except for an activation."""

_TRAINING = """
attention_dropout hidden_dropout attention_probs_dropout_prob hidden_dropout_prob classifier_dropout initializer_range
gradient_checkpointing pretraining_tp
transformers_version name_or_path unsloth_version unsloth_fixed finetuning_task
num_steps use_deepspeed_checkpointing custom_pipelines
"""
_TYPES = "torch_dtype dtype torchscript use_bfloat16"  # read in the file's type, run in the requested type
_CALLS = """
use_cache output_attentions output_hidden_states return_dict use_return_dict chunk_size_feed_forward is_decoder
attn_implementation experts_implementation tie_encoder_decoder tie_last_hidden_states
"""
_TASKS = """
id2label label2id num_labels problem_type task_specific_params tokenizer_class prefix bos_token_id eos_token_id
pad_token_id sep_token_id unk_token_id decoder_start_token_id
"""
_SAMPLING = """
assistant_confidence_threshold assistant_lookbehind bad_words_ids begin_suppress_tokens diversity_penalty do_sample
early_stopping encoder_no_repeat_ngram_size encoder_repetition_penalty epsilon_cutoff eta_cutoff
exponential_decay_length_penalty forced_bos_token_id forced_eos_token_id length_penalty max_length min_length
no_repeat_ngram_size num_assistant_tokens num_assistant_tokens_schedule num_beam_groups num_beams num_return_sequences
output_scores remove_invalid_values repetition_penalty return_dict_in_generate suppress_tokens target_lookbehind
temperature top_k top_p typical_p
"""
IRRELEVANT = frozenset(" ".join([_TRAINING, _TYPES, _CALLS, _TASKS, _SAMPLING]).split())
"""Keys that change nothing here, whatever their value; nor do those with a leading underscore."""


def read_architecture(config: Mapping[str, Any], source: Path) -> Architecture:
    """Read the architecture from the config.json of a GPT-NeoX model.

    Raises TokbenchError if it is another one.

    The error names the first key whose value is not supported, with the value. Unknown keys are refused unless they are
    null, since they may change the computation.
    """
    _check_kind(config, source)
    _check_rope(config, source)
    _read_rotary(config, "rotary_emb_base", "rope_theta", _ROTARY_BASE, source)
    fraction_key, fraction = _read_rotary(config, "rotary_pct", "partial_rotary_factor", _ROTARY_FRACTION, source)
    if fraction > 1:  # before anything is multiplied by it: the product may be no number
        raise TokbenchError(
            f"{source}: {fraction_key} is {fraction!r}, expected at most 1", "such a model is not supported"
        )
    width = _read_whole(config, "hidden_size", source)
    hidden = 4 * width if config.get("intermediate_size") is None else _read_whole(config, "intermediate_size", source)
    architecture = Architecture(
        layers=_read_whole(config, "num_hidden_layers", source),
        width=width,
        heads=_read_whole(config, "num_attention_heads", source),
        vocab_rows=_read_whole(config, "vocab_size", source),
        context=_read_whole(config, "max_position_embeddings", source),
        rotary_fraction=fraction,
        layer_norm_epsilon=_read_number(config.get("layer_norm_eps", 1e-5), "layer_norm_eps", source),
        parallel_residual=_read_flag(config, "use_parallel_residual", source),
        mlp=Mlp(None if hidden == 4 * width else hidden),
    )
    derived = {
        "head_dim": (config.get("head_dim") or architecture.head_width, architecture.head_width),
        "rotary_dim": (config.get("rotary_dim") or architecture.rotary_width, architecture.rotary_width),
        "hidden_size modulo num_attention_heads": (architecture.width % architecture.heads, 0),
    }
    for key, (found, expected) in derived.items():
        if found != expected:
            raise _refuse(source, key, found, expected)
    _check_rotary_width(architecture, fraction_key, source)
    _check_fixed(config, source)
    return architecture


def read_computation(config: Mapping[str, Any], source: Path) -> Computation:
    """Read what a forward pass needs beyond the shape, from a config.json that `read_architecture` accepts."""
    _, base = _read_rotary(config, "rotary_emb_base", "rope_theta", _ROTARY_BASE, source)
    exact: Activation = "gelu" if config.get("hidden_act", "gelu") in ("gelu", "gelu_python") else "gelu_tanh"
    return Computation(exact, base, read_end_of_text(config, source, 0))


def read_end_of_text(config: Mapping[str, Any], source: Path, default: int) -> int:
    """Read the id of the end of a text: the first one, where a list is given.

    Raises TokbenchError if the vocabulary lacks it.
    """
    value = config.get("eos_token_id", default)
    first = value[0] if isinstance(value, list) and value else value
    if first is None:
        return default
    if type(first) is not int or not 0 <= first < _read_whole(config, "vocab_size", source):
        raise TokbenchError(
            f"{source}: eos_token_id is {repr(value)[:60]}, expected an id below vocab_size", "download the file again"
        )
    return first


def read_epsilon(config: Mapping[str, Any], source: Path) -> float:
    """Read the epsilon of RMSNorm; TokbenchError unless it is a number above 0."""
    return _read_number(config.get("rms_norm_eps", 1e-6), "rms_norm_eps", source)


def _refuse(source: Path, key: str, found: object, expected: object) -> TokbenchError:
    message = f"{source}: {key} is {found!r}, expected {expected!r}"
    return TokbenchError(message, "such a model is not supported")


def _check_kind(config: Mapping[str, Any], source: Path) -> None:
    kinds = config.get("architectures") or [CLASS]
    if config.get("model_type") != KIND or kinds != [CLASS]:
        named = ", ".join(map(str, kinds)) if isinstance(kinds, list) else repr(kinds)
        raise TokbenchError(
            f"{source}: not a GPT-NeoX model, but {config.get('model_type')!r}, {named}",
            f"only model_type {KIND} with {CLASS} is supported",
        )


def _read_whole(config: Mapping[str, Any], key: str, source: Path) -> int:
    value = config.get(key)
    if type(value) is not int or not 1 <= value < _LARGEST:
        shown = repr(value)[:60]
        message = f"{source}: {key} is {shown}, expected a positive integer below {_LARGEST:,}"
        raise TokbenchError(message, "download the file again")
    return value


def _read_number(value: Any, key: str, source: Path) -> float:
    if type(value) not in (int, float) or not 0 < value < math.inf:
        raise TokbenchError(f"{source}: {key} is {value!r}, expected a number above 0", "download the file again")
    return float(value)


def _read_flag(config: Mapping[str, Any], key: str, source: Path) -> bool:
    value = config.get(key, True)
    if type(value) is not bool:
        raise TokbenchError(f"{source}: {key} is {value!r}, expected true or false", "download the file again")
    return value


def _read_rotary(config: Mapping[str, Any], old: str, new: str, default: float, source: Path) -> tuple[str, float]:
    """Return a rotary parameter and its key.

    From its table, its old name, or the default.

    transformers does not read the new name at top level, so it may only repeat the value.
    """
    tables = {name: config[name] for name in _ROPE if isinstance(config.get(name), dict)}
    named = {f"{name}.{new}": table.get(new) for name, table in tables.items()} | {old: config.get(old)}
    given = {key: _read_number(value, key, source) for key, value in named.items() if value is not None}
    source_key, value = next(iter(given.items()), (f"the default of {old}", float(default)))
    if config.get(new) is not None:
        given[new] = _read_number(config[new], new, source)
    for key, other in given.items():
        if other != value:
            message = f"{source}: {key} is {other!r}, but {source_key} is {value!r}"
            raise TokbenchError(message, "correct the value that the model was not trained with")
    return source_key, value


def _check_rope(config: Mapping[str, Any], source: Path) -> None:
    """Refuse rotary positions that are scaled or described in an unknown way."""
    for name in _ROPE:
        table = config.get(name)
        if table is None or table == {}:
            continue
        if not isinstance(table, dict):
            raise _refuse(source, name, table, None)
        for key, value in table.items():
            if key in ("rope_type", "type"):
                if value not in (None, "default"):
                    raise _refuse(source, f"{name}.{key}", value, "default")
            elif key not in ("rope_theta", "partial_rotary_factor") and value is not None:
                raise _refuse(source, f"{name}.{key}", value, None)


def _check_rotary_width(architecture: Architecture, key: str, source: Path) -> None:
    """Refuse a rotary fraction that does not give an even number of dimensions."""
    width = architecture.rotary_width
    if width < 2 or width % 2 or width > architecture.head_width:
        raise TokbenchError(
            f"{source}: {key} is {architecture.rotary_fraction!r}, which rotates {width} of the "
            f"{architecture.head_width} dimensions of a head, expected an even number",
            "such a model is not supported",
        )


def _check_fixed(config: Mapping[str, Any], source: Path) -> None:
    """Refuse unsupported values, and unknown keys."""
    for key, expected in FIXED.items():
        value = config.get(key, expected[0])
        if (value is not None or key == "hidden_act") and not any(value is one or value == one for one in expected):
            raise _refuse(source, key, value, expected[0])
    for key, value in config.items():
        known = (
            key in HONOURED
            or key in FIXED
            or key in IRRELEVANT
            or key in ("intermediate_size", "head_dim", "rotary_dim")
        )
        if not known and not key.startswith("_") and value is not None:
            message = f"{source}: {key} is {value!r}, an unknown key"
            raise TokbenchError(message, "remove it if it does not change what the model computes")
