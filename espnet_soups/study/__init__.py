"""Run studies: arms by seeds by settings, paired, with hypotheses stated before the runs."""
