"""Judges: models that are asked about the answers of others.

`prompts`, `forms`, `material` and `replies` are pure; `layout` is an act; the rest reads.
"""
