"""Heads, which turn encoded speech and labels into losses."""
