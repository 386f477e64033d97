"""Heads: what turns encoded speech and labels into losses."""
