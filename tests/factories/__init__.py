"""Rows by story, made through the acts wherever an act exists."""
