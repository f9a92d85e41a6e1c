"""evaltrack: the evidence layer for AI changes."""
