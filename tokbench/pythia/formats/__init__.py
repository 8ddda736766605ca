"""Model files: checkpoints in three formats, downloads, conversion."""
