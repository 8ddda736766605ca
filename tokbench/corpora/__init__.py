"""Corpora, parallel or groups of texts: one reader module per format, and the corpus they produce."""

from tokbench.corpora._corpus import Corpus
from tokbench.corpora._corpus_spec import asks_for_stream
from tokbench.corpora._in_memory import TextsByLanguage
from tokbench.corpora._inspection import FINDINGS, CorpusReport, inspect_corpus
from tokbench.corpora._joined_texts import JoinedTexts, read_joined
from tokbench.corpora._language_choice import choose_languages, choose_reference
from tokbench.corpora._language_facts import name_family, name_language
from tokbench.corpora._language_regions import name_region
from tokbench.corpora._languages import parse_tag, pick_script, same_language
from tokbench.corpora._loading import DEFAULT_CORPUS, CorpusArgument, load_corpus, open_corpus
from tokbench.corpora._manifest import Manifest, read_manifest, verify_manifest, write_manifest
from tokbench.corpora._parallel import ParallelCorpus, build_corpus
from tokbench.corpora._public import Part, PublicCorpus, kept_folder, locate_public, public_corpora, resolve_public
from tokbench.corpora._reader_api import CorpusReader, LanguageText, LeftOut, RawCorpus, TextColumn
from tokbench.corpora._readers import READERS
from tokbench.corpora._stream import Shard, ShardTexts, Stream
from tokbench.corpora._stream_inspection import StreamReport, inspect_stream
from tokbench.corpora._stream_opening import SHARD_BYTES, STREAM_BYTES, is_streamed, open_stream
from tokbench.corpora._stream_reading import extent, read_shard, read_window
from tokbench.corpora._text_groups import TextGroups, join_corpora, spread_weights
from tokbench.corpora.bundled import bundled_corpora

__all__ = [
    "DEFAULT_CORPUS",
    "FINDINGS",
    "READERS",
    "SHARD_BYTES",
    "STREAM_BYTES",
    "Corpus",
    "CorpusArgument",
    "CorpusReader",
    "CorpusReport",
    "JoinedTexts",
    "LanguageText",
    "LeftOut",
    "Manifest",
    "ParallelCorpus",
    "Part",
    "PublicCorpus",
    "RawCorpus",
    "Shard",
    "ShardTexts",
    "Stream",
    "StreamReport",
    "TextColumn",
    "TextGroups",
    "TextsByLanguage",
    "asks_for_stream",
    "build_corpus",
    "bundled_corpora",
    "choose_languages",
    "choose_reference",
    "extent",
    "inspect_corpus",
    "inspect_stream",
    "is_streamed",
    "join_corpora",
    "kept_folder",
    "load_corpus",
    "locate_public",
    "name_family",
    "name_language",
    "name_region",
    "open_corpus",
    "open_stream",
    "parse_tag",
    "pick_script",
    "public_corpora",
    "read_joined",
    "read_manifest",
    "read_shard",
    "read_window",
    "resolve_public",
    "same_language",
    "spread_weights",
    "verify_manifest",
    "write_manifest",
]
