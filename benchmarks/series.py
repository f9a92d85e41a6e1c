"""The time series at a million points: writing, a year of one metric, the page, and proving all of it.

    python -m benchmarks.series --database postgresql sqlite --points 1000000

20 components, ten metrics, two arms: a point for each metric of each run, spread over the last year. The
records come first; `recompute_series --write` makes the points, `recompute_series` proves them. Then one component's
experiments are written one by one, as each is concluded, and ranges are read inside one process.

Goals: a year of one component and metric 50 ms, pages and API 200 ms (p95), a million points proven in 5 minutes with
less than 300 MB.
"""

import argparse
import sys

from benchmarks.databases import inside


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--database", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"]
    )
    parser.add_argument("--points", type=int, default=1_000_000)
    given = parser.parse_args()

    for kind in given.database:
        found = inside(kind, "series", given.points, EVALTRACK_TARGET_HOSTS="127.0.0.1:9")
        for what, figure in found.items():
            print(f"{kind:10} {what:62} {figure}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
