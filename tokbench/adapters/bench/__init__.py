"""Measure the speed and other costs of engines."""
