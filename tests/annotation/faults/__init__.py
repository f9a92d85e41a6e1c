"""Evaluators over HTTP while processes die, connections break and messages come twice; then, what was kept."""
