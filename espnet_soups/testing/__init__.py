"""Toy data with a known structure, shipped for the tests of recipes and of users."""
