"""The model: one shared encoder, a head per objective, gates between them."""
