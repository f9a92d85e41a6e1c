"""Samples from production: how many a second come in, and what the pages about them take.

    python -m benchmarks.production --database sqlite postgresql --samples 200000

Two versions were in production for half a year each; samples are spread over the year, scored by five metrics. They
are sent in requests of 10,000 lines. Then the pages are read.

Goal: pages under 200 ms (p95) on both databases, whatever the number of samples. Measured inside one process, from
the request to the last byte, without a network.
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
    parser.add_argument("--samples", nargs="+", type=int, default=[20_000, 200_000])
    given = parser.parse_args()

    slow = 0
    for kind in given.database:
        for samples in given.samples:
            found = inside(kind, "production", samples, EVALTRACK_TARGET_HOSTS="127.0.0.1:9")
            print(f"{kind:10} {samples:9,} samples   {found.pop('taken in'):8,.0f} a second", flush=True)
            for page, times in found.items():
                slow += times["p95"] > GOAL_MS
                figures = "   ".join(f"{label} {value:7.1f} ms" for label, value in times.items())
                print(f"{kind:10} {samples:9,} samples   {page:30} {figures}", flush=True)
    print("all within the goal" if not slow else f"{slow} over the goal of {GOAL_MS} ms")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
