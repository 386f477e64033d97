"""Estimate GPU hours, memory, mini-batches and disk of the paper's tables by arithmetic."""
