"""How good decoded sets are, each score with a bootstrap interval, and which system is better."""
