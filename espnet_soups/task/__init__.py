"""The door to ESPnet: arguments, batches, task and trainer."""
