"""Answers of earlier experiments that take the place of calls."""
