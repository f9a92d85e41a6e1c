"""Nothing that an evaluator sees names a system, or tells which stands where."""
