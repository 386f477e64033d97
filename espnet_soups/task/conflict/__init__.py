"""Stage 8: measures how the gradients of a model relate, on batches of its training data."""
