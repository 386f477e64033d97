"""Run many jobs on this machine, by Slurm, or over ssh; no import of torch or ESPnet."""
