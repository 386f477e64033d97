"""How good the texts are: error rates, BLEU, chrF, each with a bootstrap interval."""
