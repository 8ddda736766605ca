"""Shared by every package: registry, cache, files, hashes, threads, environment."""
