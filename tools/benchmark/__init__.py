"""Measure the cost of a training step against plain joint training, on any configuration."""
