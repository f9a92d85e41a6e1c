"""What benchmarks run in a process of the application."""
