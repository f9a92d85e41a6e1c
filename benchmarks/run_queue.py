"""The run queue over a long history: its page, its API and a scrape, beside a million outputs that are done.

    python -m benchmarks.run_queue --database postgresql sqlite --outputs 1000000 --open 10000

200 unfinished experiments hold the open outputs, and half of what is done; a worker holds a hundred, and a thousand
ended within the last minute. Wall-clock milliseconds, and CPU of this process, which SQLite is part of and PostgreSQL
is not. At the end answers are written with the index by which the last minute is found, and without it: the median of
seven rounds.

Goal: each of them 200 ms (p95).
"""

import argparse
import sys

from benchmarks.databases import inside


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--database", nargs="+", choices=["sqlite", "postgresql"], default=["sqlite", "postgresql"]
    )
    parser.add_argument("--outputs", type=int, default=1_000_000)
    parser.add_argument("--open", type=int, default=10_000)
    given = parser.parse_args()

    for kind in given.database:
        found = inside(
            kind,
            "run_queue",
            given.outputs,
            given.open,
            EVALTRACK_TARGET_HOSTS="127.0.0.1:*",
            EVALTRACK_METRICS_TOKEN="a-token-for-the-benchmark",
        )
        for what, figure in found.items():
            print(f"{kind:10} {what:44} {figure}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
