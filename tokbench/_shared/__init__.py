"""What every package may use: registry, cache, files, hashes, threads, the environment."""
