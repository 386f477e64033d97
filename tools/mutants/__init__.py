"""Test the tests: plant small faults into functions, one at a time, and count those seen."""
