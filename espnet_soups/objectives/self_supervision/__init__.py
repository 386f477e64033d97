"""Self-supervision: contrastive predictive coding and BEST-RQ."""
