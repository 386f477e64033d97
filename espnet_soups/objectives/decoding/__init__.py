"""Decoding of encoded speech: greedy and beam searches, classes, embeddings, enhanced speech."""
