"""Scoring of decoded sets with bootstrap intervals, and comparison of systems."""
