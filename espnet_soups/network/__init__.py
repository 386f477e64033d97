"""The network of a soup: batches, encoding, the forward pass, counts and guard of a step."""
