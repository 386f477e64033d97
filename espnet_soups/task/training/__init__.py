"""Trainers, checkpoints and the record of each epoch."""
