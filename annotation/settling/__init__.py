"""Items that people disagree about, and how they are settled."""
