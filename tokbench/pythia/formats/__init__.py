"""Model files: checkpoints of three formats, downloads, conversion."""
