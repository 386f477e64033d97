"""Connect the package to ESPnet: options, batches, task and trainer."""
