"""Fault injection: judgments over HTTP while workers are killed, the database crashes and messages come twice.

    python -m benchmarks.faults --submits 100000 --restarts 20

Prints how many faults were really injected and what was wrong afterwards; ends with 1 if anything was. The suite
runs the same in small (`tests/annotation/test_faults.py`).
"""

import argparse
import json
import sys
import time
from pathlib import Path

from tests.annotation.faults.run import Plan, run


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--submits", type=int, default=100_000, help="judgments that the campaign wants")
    parser.add_argument("--overlap", type=int, default=2)
    parser.add_argument("--evaluators", type=int, default=16)
    parser.add_argument("--lease-seconds", type=int, default=2)
    parser.add_argument(
        "--kill-every", type=float, default=10.0, help="seconds between two kills of a worker"
    )
    parser.add_argument("--restarts", type=int, default=10, help="crashes of the database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    plan = Plan(
        tasks=given.submits // given.overlap,
        overlap=given.overlap,
        evaluators=given.evaluators,
        lease_s=given.lease_seconds,
        kill_every_s=given.kill_every,
        restarts=given.restarts,
        seed=given.seed,
    )
    began = time.monotonic()

    def progress(judged: int) -> None:
        if sys.stderr.isatty():
            print(f"\r  {judged:,} acknowledged of {plan.slots:,}", end="", file=sys.stderr, flush=True)

    found = run(plan, progress=progress) | {"seconds": round(time.monotonic() - began)}
    print(json.dumps(found, indent=1))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))
    return 1 if found["wrong"] or found["told wrongly"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Ended; what was started is stopped and removed.")
