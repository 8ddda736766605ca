"""A vocabulary continued on the user's text, as BELLE did with LLaMA's for Chinese."""

from tokbench.analysis.extension._extension import Extension, Training, extend
from tokbench.analysis.extension._rank_forms import require_ranks

__all__ = ["Extension", "Training", "extend", "require_ranks"]
