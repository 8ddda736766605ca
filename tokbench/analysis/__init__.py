"""Close examination of one or two tokenizers: vocabulary, round trips, overlap, token attribution."""
