"""Check which packages are installed and what the machine has; no import of torch at the top."""
