"""The recipes as they travel with the package, and their way into a folder of a user's own."""
