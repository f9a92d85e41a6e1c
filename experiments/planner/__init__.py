"""A component's plans: questions read from a form, what its own experiments show of the assumptions, and answers."""
