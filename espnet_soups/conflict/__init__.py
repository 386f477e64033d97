"""Conflicts between objectives: the table of stage 8, its summary in words, and the plan."""
