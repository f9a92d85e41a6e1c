"""The page of a component with many experiments, and many runs side by side: server time, p50 and p95.

    python -m benchmarks.pages --database sqlite postgresql --experiments 1000 10000

Each experiment has 20 metrics. The comparison is of 20 runs over 1,000 examples by 20 metrics: once cold, when every
pair of vectors is compared for the first time in the process, and then warm, as the answer is kept.

Goal: p95 under 200 ms on both databases, growing no faster than what is shown. Measured from the request to the last
byte inside one process, without a network.
"""

import argparse
import sys

from benchmarks.databases import inside

GOAL_MS = 200


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--database", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"]
    )
    parser.add_argument("--experiments", nargs="+", type=int, default=[1_000, 10_000])
    given = parser.parse_args()

    slow = 0
    for kind in given.database:
        for experiments in given.experiments:
            found = inside(kind, "pages", experiments)
            for page, times in found.items():
                slow += times["p95"] > GOAL_MS
                figures = "   ".join(f"{label} {value:7.1f} ms" for label, value in times.items())
                print(f"{kind:10} {experiments:6,} experiments   {page:40} {figures}", flush=True)
    print("all within the goal" if not slow else f"{slow} over the goal of {GOAL_MS} ms")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
