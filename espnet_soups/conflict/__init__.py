"""Which objectives conflict where: the table of stage 8, its words, and the plan it leads to."""
