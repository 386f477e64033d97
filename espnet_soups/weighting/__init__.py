"""Combiners: matrix in, weights out; mathematics without knowledge of models or trainers."""
