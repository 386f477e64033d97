"""Decoding: speech in, transcripts and translations out, with ESPnet's own searches."""
