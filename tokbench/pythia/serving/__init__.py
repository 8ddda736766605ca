"""A model under load: what its users wait for, and how many of them fit a machine."""
