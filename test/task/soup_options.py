"""Options of a small soup of two levels."""

SOUP = ("--trainer", "msp", "--trainer_conf", "soup=vm", "--trainer_conf", "order=SA")
# By epochs, so that it does not depend on how long the run will be.
SOUP += ("--trainer_conf", 'penalty=[{"level":2,"increment":0.02}]')
