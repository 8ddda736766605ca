"""Optional libraries: which extra has them, and whether they are installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec

from tokbench.errors import TokbenchError

_PYTHIA = {"psutil": "psutil", "safetensors": "safetensors"}

_GRAMMARS = (
    *("bash", "c", "c-sharp", "cpp", "go", "java", "javascript"),
    *("kotlin", "php", "python", "ruby", "rust", "swift", "typescript"),
)

EXTRAS: Mapping[str, Mapping[str, str]] = {
    "chat": {"jinja2": "jinja2"},
    "code": {
        "tree-sitter": "tree_sitter",
        **{f"tree-sitter-{name}": f"tree_sitter_{name.replace('-', '_')}" for name in _GRAMMARS},
    },
    "ctranslate2": {"ctranslate2": "ctranslate2", **_PYTHIA},
    "html": {"altair": "altair", "vl-convert-python": "vl_convert"},
    "icu": {"icu4py": "icu4py"},
    "llamacpp": {"gguf": "gguf", "xllamacpp": "xllamacpp", **_PYTHIA},
    "lm-eval": {"lm-eval": "lm_eval", **_PYTHIA},
    "prices": {"genai-prices": "genai_prices"},
    "pythia": _PYTHIA,
    "ray": {"ray": "ray"},
    "transformers": {"torch": "torch", "transformers": "transformers", **_PYTHIA},
    "unicode": {"fonttools": "fontTools", "kanji-lists": "kanji_lists"},
    "view": {"starlette": "starlette", "uvicorn": "uvicorn"},
    "xlsx": {"XlsxWriter": "xlsxwriter"},
    "zstd": {"zstandard": "zstandard"},
}
"""The libraries of each extra and the modules by which they are imported."""


def check_extras(purposes: Mapping[str, str]) -> None:
    """Check that the libraries of extras are installed, without importing them.

    purposes: what needs an extra, by its name, as in `{"view": "the local page"}`.

    Raises TokbenchError that names everything missing, and one command that installs it.
    """
    missing = {extra: [name for name, module in EXTRAS[extra].items() if not is_there(module)] for extra in purposes}
    missing = {extra: names for extra, names in missing.items() if names}
    if not missing:
        return
    libraries = ", ".join(dict.fromkeys(name for names in missing.values() for name in names))
    needing = " and ".join(purposes[extra] for extra in missing)
    verb, be = ("needs", "is") if len(missing) == 1 else ("need", "are")
    raise TokbenchError(
        f"{needing} {verb} {libraries}, which {be if ',' not in libraries else 'are'} not installed",
        f"install with: pip install 'tokbench[{','.join(missing)}]'",
    )


def is_there(module: str) -> bool:
    """Return whether a module can be imported."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # a module that sys.modules has as None
        return False
