"""A small shop with a help assistant: a real component for evaltrack to evaluate, without any network."""
