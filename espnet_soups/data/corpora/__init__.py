"""The corpora of the recipes: one module prepares each."""
