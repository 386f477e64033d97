"""Save checkpoints inside an epoch, and resume from them."""
