"""What is refused before anything is trained."""
