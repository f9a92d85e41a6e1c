"""Outputs that are brought: by whom, line by line, and who says that they are all there."""
