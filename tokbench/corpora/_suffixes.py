"""What a file holds by its suffix or name: a programming language, mark-up, data."""

from __future__ import annotations

from pathlib import Path

from tokbench.corpora._storage import strip_compression, suffix_of

_NAMES = """
ada adb ads; assembly asm s; astro astro; awk awk; batch bat cmd; c c h; clojure clj cljs cljc edn; cmake cmake
coffeescript coffee; common-lisp lisp lsp cl; cpp cpp cc cxx c++ hpp hh hxx h++ ipp tpp; csharp cs csx; css css
csv csv; cuda cu cuh; cython pyx pxd pxi; d d; dart dart; diff diff patch; dockerfile dockerfile; elixir ex exs; elm elm
emacs-lisp el; erlang erl hrl; fortran f f90 f95 f03 f08 for; fsharp fs fsi fsx; glsl glsl vert frag; go go
graphql graphql gql; groovy groovy gradle; haskell hs lhs; hcl hcl tf tfvars; html html htm xhtml; ini ini cfg conf
java java; javascript js mjs cjs jsx; json json json5 jsonc geojson; julia jl; kotlin kt kts; latex tex sty cls bib
less less; lean lean; log log; lua lua; makefile mk mak; markdown md markdown mdx; matlab m; nim nim; nix nix
objective-c++ mm; ocaml ml mli; org org; pascal pas pp; perl pl pm t; php php; powershell ps1 psm1 psd1; prolog pro
properties properties; protobuf proto; puppet pp; python py pyi pyw; r r rmd; racket rkt; restructuredtext rst
ruby rb rake gemspec; rust rs; sass sass scss; scala scala sc sbt; scheme scm ss; shell sh bash zsh fish ksh
smalltalk st; solidity sol; sql sql; svelte svelte; svg svg; swift swift; systemverilog sv svh; tcl tcl
text txt text; toml toml; tsv tsv tab; typescript ts tsx mts cts; verilog v vh; vhdl vhd vhdl; vim vim; vue vue
wat wat; xml xml xsd xsl xslt; yaml yaml yml; zig zig
"""
_FILES = {
    **dict.fromkeys(("makefile", "gnumakefile"), "makefile"),
    **dict.fromkeys(("dockerfile", "containerfile"), "dockerfile"),
    "cmakelists.txt": "cmake",
    **dict.fromkeys(("gemfile", "rakefile", "podfile"), "ruby"),
    **dict.fromkeys((".bashrc", ".profile", ".zshrc"), "shell"),
    "jenkinsfile": "groovy",
    **dict.fromkeys(("readme", "license", "licence", "copying", "notice", "authors", "changelog", "todo"), "text"),
}
PROSE = frozenset({"text", "markdown", "restructuredtext", "latex", "html", "org", "log"})
"""Groups that hold natural language rather than code or data."""


def _parse(names: str) -> dict[str, str]:
    entries = [entry.split() for line in names.strip().splitlines() for entry in line.split(";")]
    # The first entry that claims a suffix has it.
    return {suffix: name for name, *suffixes in reversed(entries) for suffix in suffixes}


SUFFIXES = _parse(_NAMES)
"""Names of languages and formats by suffix, without the dot, in lower case."""


def name_content(path: Path) -> str | None:
    """Name what a file holds, such as `python`, by its suffix or name; None if neither is known."""
    whole = strip_compression(path.name).lower()
    return _FILES.get(whole) or SUFFIXES.get(suffix_of(path)[1:])


def name_group(path: Path) -> str:
    """Name the group of a file in a folder: what it holds, else its suffix, else `text`."""
    suffix = suffix_of(path)[1:]
    plain = suffix.isascii() and suffix.isalnum() and len(suffix) <= 12
    return name_content(path) or (suffix if plain else "text")
