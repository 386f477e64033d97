"""Score part of the validation set while a model trains."""
