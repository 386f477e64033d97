"""The paper's tables: which runs they need, and the numbers beside the published ones."""
