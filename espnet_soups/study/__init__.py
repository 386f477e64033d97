"""Studies: arms by seeds by settings, paired, with hypotheses that stand before the runs."""
