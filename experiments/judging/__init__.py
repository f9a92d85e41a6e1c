"""Judges: models that are asked about the answers of others.

`layout` is an act; `asking`, `judges`, `judgments`, `recomputation` and `shown` read; the rest is pure.
"""
