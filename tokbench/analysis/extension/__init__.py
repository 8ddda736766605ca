"""A vocabulary continued on the user's text, as BELLE did with LLaMA's for Chinese."""

from tokbench.analysis.extension._extension import Extension, Training, extend

__all__ = ["Extension", "Training", "extend"]
