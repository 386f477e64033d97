"""Losses, one file each, as a sum and a count of label tokens."""
