"""Many jobs at once: on this machine, by Slurm, or over ssh. Imports neither torch nor ESPnet."""
