"""Train: trainers, checkpoints and the record of each epoch."""
