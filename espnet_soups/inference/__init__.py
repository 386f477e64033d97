"""Decode: speech in, transcripts and translations out, by ESPnet's own searches."""
