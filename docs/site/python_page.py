"""The page of the Python interface, from the docstrings of what `import tokbench` gives."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import tokbench as tb

WIDTH = 100
LONGEST_DEFAULT = 30
INTRO = """# Python

What `import tokbench as tb` gives, from the docstrings of the code. [A guided tour](guide.md) shows it at work. The
pages of code, morphology, cost and the like name the functions of their subject.
"""
SENTENCES = ("Raises ", "Returns ", "Checked ", "The ", "Adds ")
GROUPS = {
    "Compare": ["compare", "Comparison", "load", "rank"],
    "Cards": ["card", "Card"],
    "Tokenizers and engines": ["load_tokenizer", "Tokenizer", "EncodedBatch", "check_engine", "EngineCheck"],
    "Corpora": ["load_corpus", "ParallelCorpus", "TextGroups"],
    "Counts and metrics": [
        "measure",
        "Measurements",
        "evaluate",
        "METRICS",
        "Metric",
        "Reference",
        "Bootstrap",
        "count_by_api",
    ],
    "Errors": ["TokbenchError", "UnavailableError", "MissingExtraError", "EngineError", "CacheWarning"],
}


def write_python() -> str:
    """Return the page of the Python interface, without the mark of generated pages."""
    parts = [INTRO]
    for title, names in GROUPS.items():
        parts.append(f"## {title}\n")
        parts += [section for name in names for section in write_object(name, getattr(tb, name))]
    return "\n".join(parts)


def write_object(name: str, value: Any) -> Iterator[str]:
    """Yield the section of a function, class or constant, then those of a class's members."""
    yield f"### `tb.{name}`\n"
    yield from write_entry(name, value, shows_call=not _is_without_call(value))
    if inspect.isclass(value):
        for member, found in list_members(value):
            yield f"#### `{name}.{member}`\n"
            yield from write_entry(member, found, shows_call=callable(found))


def list_members(owner: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties that a class itself documents, in the order of the source."""
    for name, value in vars(owner).items():
        found = value.__func__ if isinstance(value, classmethod | staticmethod) else value
        if name.startswith("_") or not (inspect.isfunction(found) or isinstance(found, property)):
            continue
        if inspect.getdoc(found):
            yield name, getattr(owner, name) if isinstance(value, classmethod) else found


def write_entry(name: str, value: Any, *, shows_call: bool) -> Iterator[str]:
    """Yield the call and the docstring of something."""
    known = {name for name in getattr(value, "__annotations__", ()) if name != "return"}
    if shows_call:
        call = inspect.signature(value)
        known |= call.parameters.keys()
        yield f"```py\n{write_call(name, call)}\n```\n"
    yield write_docstring(inspect.getdoc(value) or "", known) + "\n"


def write_call(name: str, call: inspect.Signature) -> str:
    """Return a signature on one line, or with one parameter per line if that would be long."""
    kept = [parameter for parameter in call.parameters.values() if parameter.name not in ("self", "cls")]
    written = [write_parameter(parameter) for parameter in kept]
    first_named = next((i for i, parameter in enumerate(kept) if parameter.kind is parameter.KEYWORD_ONLY), None)
    if first_named is not None:
        written.insert(first_named, "*")
    result = "" if call.return_annotation in (call.empty, None, "None") else f" -> {call.return_annotation}"
    line = f"{name}({', '.join(written)}){result}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {parameter}," for parameter in written), f"){result}"])


def write_parameter(parameter: inspect.Parameter) -> str:
    """Return a parameter with its type, and its default if that has a short text."""
    stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    text = f"{stars}{parameter.name}"
    if parameter.annotation is not parameter.empty:
        text += f": {parameter.annotation}"
    if parameter.default is parameter.empty:
        return text
    plain = isinstance(parameter.default, bool | int | float | str | tuple | None)
    default = repr(parameter.default) if plain else "..."
    return f"{text} = {default if len(default) <= LONGEST_DEFAULT else '...'}"


def write_docstring(text: str, known: set[str]) -> str:
    """Return a docstring as Markdown: `name: meaning` of what is known becomes a list, examples become code."""
    lines: list[str] = []
    in_list = False
    for line in text.splitlines():
        named = re.match(r"((?:\w+, )*\w+): (.*)", line)
        below = re.match(r" +(`[^`]+`: .*)", line)
        if named and known.issuperset(named[1].split(", ")):
            lines += [""] if lines and lines[-1] and not in_list else []
            lines.append(f"- **{named[1]}**: {named[2]}")
            in_list = True
        elif in_list and below:
            lines.append(f"    - {below[1]}")
        elif in_list and line and not line.startswith(SENTENCES):
            lines.append(f"  {line.strip()}")
        else:
            lines += [""] if in_list and line else []
            lines.append(line)
            in_list = False
    return re.sub(r"((?:^>>> .*\n?(?:^(?!>>>).+\n?)*)+)", _write_example, "\n".join(lines), flags=re.MULTILINE)


def _write_example(found: re.Match[str]) -> str:
    names = sorted(name for name in tb.__all__ if re.search(rf"(?<![\w.]){name}[.(]", found[0]))
    imports = f">>> from tokbench import {', '.join(names)}\n" if names else ""
    return f"```python\n{imports}{found[0].rstrip()}\n\n```"


def _is_without_call(value: Any) -> bool:
    return not callable(value) or (inspect.isclass(value) and (issubclass(value, Exception) or _is_protocol(value)))


def _is_protocol(value: Any) -> bool:
    return bool(getattr(value, "_is_protocol", False))
