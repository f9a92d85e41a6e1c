"""Outputs that are asked for in files: what is sent, what comes back, and nothing twice."""
