"""Run the commands `python -m espnet_soups.bin.<name>`, one thin file each."""
