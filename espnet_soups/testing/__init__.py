"""Make toy data with a known structure, for the tests of recipes and of users."""
