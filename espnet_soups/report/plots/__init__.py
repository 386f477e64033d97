"""Pictures of a training and of its scores."""
