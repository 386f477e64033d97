"""Check training on one GPU: tests, costs of a step, and real trainings, without a network."""
