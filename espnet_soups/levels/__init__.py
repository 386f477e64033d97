"""Who comes first: objectives on levels, and the penalties that tie the levels together."""
