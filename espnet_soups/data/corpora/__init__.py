"""Prepare the corpora of the recipes, one module each."""
