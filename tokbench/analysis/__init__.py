"""Close examination of one or two tokenizers.

Vocabulary, round trips, overlap, n-grams, token attribution.
"""
