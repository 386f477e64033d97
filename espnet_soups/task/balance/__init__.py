"""How mini-batches are filled: shares of languages, weights of corpora, what a batch counts."""
