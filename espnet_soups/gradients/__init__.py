"""How each objective pulls on the shared parameters."""
