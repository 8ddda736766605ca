"""Parallel corpora: one reader module per format, and the corpus they produce."""

from tokbench.corpora._in_memory import TextsByLanguage
from tokbench.corpora._inspection import FINDINGS, CorpusReport, inspect_corpus
from tokbench.corpora._language_facts import name_family, name_language
from tokbench.corpora._languages import choose_languages, choose_reference, parse_tag, pick_script, same_language
from tokbench.corpora._loading import DEFAULT_CORPUS, load_corpus, open_corpus
from tokbench.corpora._manifest import Manifest, read_manifest, verify_manifest, write_manifest
from tokbench.corpora._parallel import ParallelCorpus, build_corpus
from tokbench.corpora._reader_api import CorpusReader, LanguageText, LeftOut, RawCorpus, TextColumn
from tokbench.corpora._readers import READERS
from tokbench.corpora.bundled import bundled_corpora

__all__ = [
    "DEFAULT_CORPUS",
    "FINDINGS",
    "READERS",
    "CorpusReader",
    "CorpusReport",
    "LanguageText",
    "LeftOut",
    "Manifest",
    "ParallelCorpus",
    "RawCorpus",
    "TextColumn",
    "TextsByLanguage",
    "build_corpus",
    "bundled_corpora",
    "choose_languages",
    "choose_reference",
    "inspect_corpus",
    "load_corpus",
    "name_family",
    "name_language",
    "open_corpus",
    "parse_tag",
    "pick_script",
    "read_manifest",
    "same_language",
    "verify_manifest",
    "write_manifest",
]
