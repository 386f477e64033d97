"""A local web page on which a model is tried: docs/demo.md."""
