"""What a request costs beyond its texts: special tokens, chat templates, formats of records, long texts."""

from tokbench.adapters._special_tokens import AddedSpecial, find_added_special
from tokbench.analysis.requests._chat import TURNS, ChatTemplate, find_template, measure_chat
from tokbench.analysis.requests._lengths import measure_lengths
from tokbench.analysis.requests._measure import Requests, measure_requests
from tokbench.analysis.requests._record_formats import FORMATS, make_records, measure_formats

__all__ = [
    "FORMATS",
    "TURNS",
    "AddedSpecial",
    "ChatTemplate",
    "Requests",
    "find_added_special",
    "find_template",
    "make_records",
    "measure_chat",
    "measure_formats",
    "measure_lengths",
    "measure_requests",
]
