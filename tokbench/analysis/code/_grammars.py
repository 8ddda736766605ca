"""Grammars of programming languages, one package of tree-sitter each."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from tokbench.errors import MissingExtraError, TokbenchError

if TYPE_CHECKING:
    from tree_sitter import Parser


class Grammar(NamedTuple):
    """Where a grammar is: the module of its package, and the function that returns it."""

    module: str
    function: str = "language"


GRAMMARS: Mapping[str, Grammar] = {
    "bash": Grammar("tree_sitter_bash"),
    "c": Grammar("tree_sitter_c"),
    "cpp": Grammar("tree_sitter_cpp"),
    "csharp": Grammar("tree_sitter_c_sharp"),
    "go": Grammar("tree_sitter_go"),
    "java": Grammar("tree_sitter_java"),
    "javascript": Grammar("tree_sitter_javascript"),
    "kotlin": Grammar("tree_sitter_kotlin"),
    "php": Grammar("tree_sitter_php", "language_php"),
    "python": Grammar("tree_sitter_python"),
    "ruby": Grammar("tree_sitter_ruby"),
    "rust": Grammar("tree_sitter_rust"),
    "shell": Grammar("tree_sitter_bash"),
    "swift": Grammar("tree_sitter_swift"),
    "typescript": Grammar("tree_sitter_typescript", "language_typescript"),
}
"""By the name of a language in a corpus, or of the group of its files in a folder."""


def find_language(label: str) -> str | None:
    """Return the language of a group of a corpus, None without a grammar; `src/python` is of several corpora."""
    language = label.rpartition("/")[2]
    return language if language in GRAMMARS else None


def load_parser(name: str) -> Parser:
    """Return a parser for a language; MissingExtraError without its package, TokbenchError without a grammar."""
    if name not in GRAMMARS:
        raise TokbenchError(f"there is no grammar for {name!r}", f"choose from {', '.join(GRAMMARS)}")
    grammar = GRAMMARS[name]
    try:
        tree_sitter, package = import_module("tree_sitter"), import_module(grammar.module)
    except ImportError as error:
        library = str(error.name or grammar.module).replace("_", "-")
        raise MissingExtraError(library, "code", f"the syntax of {name}") from error
    parser: Parser = tree_sitter.Parser(tree_sitter.Language(getattr(package, grammar.function)()))
    return parser


def name_grammar(name: str) -> str:
    """Return the name and version of the package of a language, for signatures: `tree-sitter-go==0.25.0`."""
    from importlib.metadata import version

    distribution = GRAMMARS[name].module.replace("_", "-")
    return f"{distribution}=={version(distribution)}"
