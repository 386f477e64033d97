"""Fill mini-batches: shares of languages, weights of corpora, and the unit of their size."""
