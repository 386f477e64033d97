"""Measure how the gradients of a model relate, on batches of its training data (stage 8)."""
