"""What a model of the suite is: architecture, parameters, memory, operations."""
