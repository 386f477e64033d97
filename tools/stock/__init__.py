"""Train stock ESPnet on the data of a recipe: what a user would pick instead of a soup."""
