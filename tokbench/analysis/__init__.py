"""One or two tokenizers opened: vocabulary, round trips, overlap, differences."""
