"""What can be learnt: one file per kind of objective; no other room knows a task by name."""
