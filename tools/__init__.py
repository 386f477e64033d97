"""Tools of the repository that need no installation: run from its root."""
