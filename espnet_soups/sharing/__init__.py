"""Hand a trained model on: a bundle with a card, and the Hugging Face hub."""
