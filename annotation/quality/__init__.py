"""How well each evaluator judges, and what a lead does about it."""
