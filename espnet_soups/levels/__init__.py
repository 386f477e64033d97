"""Levels of objectives, and the penalties that connect them."""
