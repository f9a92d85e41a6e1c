"""What production answers: samples, their sums, drops against the last deployment, and what was promised."""
