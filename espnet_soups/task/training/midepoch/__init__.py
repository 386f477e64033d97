"""Checkpoints inside an epoch: when they are made, what they hold, and how training goes on."""
