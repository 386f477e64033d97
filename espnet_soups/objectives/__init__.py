"""Kinds of objectives, one file per kind; no other package knows a task by name."""
