"""Scores of decoded sets, computed from sums over utterances."""
