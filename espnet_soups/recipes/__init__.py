"""Find the recipes that come with the package, and copy them into a user's folder."""
