"""Seconds per prompt and per token, measured or estimated."""
