"""Layers of ESPnet and PyTorch, computed in the way that is fastest on a CPU; same parameters."""
