"""Layers of ESPnet and PyTorch, computed faster on a CPU, with the same parameters."""
