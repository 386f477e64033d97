"""The engine of a soup: settings, state, weights, penalties and measured layers."""
