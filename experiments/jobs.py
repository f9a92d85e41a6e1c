"""What workers run. Each takes ids or nothing, and may run twice, late, or at the same time as itself."""

from experiments import runner


def drain() -> None:
    runner.drain()
