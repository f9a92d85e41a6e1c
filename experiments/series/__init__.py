"""The time series: points from records, their months, what proves them, and how they are read."""
