"""Share a trained model: a bundle with a model card, and the Hugging Face hub."""
