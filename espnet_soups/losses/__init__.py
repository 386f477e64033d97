"""What is minimised: one file per loss, each giving a sum and a count of label tokens."""
