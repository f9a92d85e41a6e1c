"""What people said, and how far they agree: from rows to sums to figures."""
