"""What is installed, and what the machine has; nothing here imports torch or ESPnet at the top."""
