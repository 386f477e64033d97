"""Matrix in, weights out: pure mathematics that knows nothing of models or trainers."""
