"""Models of the suite: architecture, parameters, memory, operations."""
