"""From encoded speech to text: greedy and beam searches."""
