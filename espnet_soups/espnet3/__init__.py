"""An entry for ESPnet 3: its stages and its Lightning trainer around our task; docs/espnet3.md."""
