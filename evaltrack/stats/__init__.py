"""Pure statistics: numbers in, an `Estimate`, a `TestResult` or `Undefined(reason)` out.

No Django and no input or output, so that a saved bundle of evidence can be recomputed anywhere. Every
function is deterministic: what draws random numbers takes a seed. Degenerate but well-formed input (no
examples, one example, all values equal, one category) is answered in words; malformed input (wrong shape,
NaN) raises `ValueError`. `docs/statistics.md` says which function answers which question.
"""
