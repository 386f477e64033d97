"""Gradients of each objective on the shared parameters: measurement, products, gates."""
