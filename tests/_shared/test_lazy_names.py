"""Public names: the same for the type checker and at run time, each imported on first use."""

from __future__ import annotations

import ast
from importlib import import_module

import pytest

from helpers.data import ROOT


def list_typed(package: str) -> set[tuple[str, str]]:
    """Module and name of what a package exports to the type checker: `from module import name as name`."""
    path = ROOT.joinpath(*package.split("."), "__init__.py")
    return {
        (node.module or "", alias.name)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }


@pytest.mark.parametrize("package", ["tokbench", "tokbench.pythia"])
def test_names_are_the_same_for_the_type_checker(package: str) -> None:
    module = import_module(package)
    named = {(f"{package}.{home}", name) for home, names in module._NAMES.items() for name in names}
    assert named == list_typed(package)
    for home, name in named:
        assert getattr(module, name) is getattr(import_module(home), name)
    assert set(dir(module)) == {name for _, name in named}
    assert set(module.__all__) - {"__version__"} == set(dir(module))
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'absent'"):
        module.absent  # noqa: B018
