"""Backbones of Hugging Face transformers behind ESPnet's interfaces."""
