"""Measure a backend: time, memory, bits per byte."""
