"""Run the paper's tables, and show our numbers beside the published ones."""
