"""The human evaluation queue under load: evaluators over HTTP against the server as it runs in production.

    python -m benchmarks.review_queue --database postgresql --backlog 10000 100000 1000000 --evaluators 1 8 32

Everything that it needs it starts on loopback and ends again, also on Ctrl-C. It is not named after the queue
alone: a module `queue` in this folder would stand before Python's own for every script that is run from here.

Goals: p95 of claim and submit under 50 ms with 8 evaluators and 1,000,000 tasks on PostgreSQL, and at most 1.5
times that of 10,000; under 10 ms of the server's CPU for a judgment; at most 6 statements for a claim and 8 for a
submit; on SQLite 100 judgments a second with 8 evaluators; 100,000 pairs opened in under 60 s.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.closed_loop import Evaluator, Observed, judge_for
from benchmarks.databases import database
from tests import server

STAGE, STORED = "tests.annotation.staged", "benchmarks.stored"


def measured(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for each backlog and number of evaluators."""
    with (
        tempfile.TemporaryDirectory(prefix="evaltrack-bench-") as name,
        database(given.database, Path(name)) as (variables, database_pid),
    ):

        def script(module: str, *words: Any, given: str | None = None) -> Any:
            return json.loads(
                server.in_application(module, *map(str, words), environment=variables, given=given)
            )

        stage = script(STAGE, "people", max(given.evaluators), "--overlap", given.overlap)
        campaign, tokens = stage["campaign"], stage["tokens"]
        about = {
            "server": f"gunicorn {version('gunicorn')} gthread",
            "workers": given.workers,
            "threads": given.threads,
            "database": script(STORED, "version"),
        }
        for backlog in sorted(given.backlog):
            loaded = script(STAGE, "fill", campaign, backlog * 100 // (100 - given.done))
            for upload in loaded["uploads"]:
                print(f"  opened with {upload['tasks']:,} pairs in {upload['seconds']} s", file=sys.stderr)
            if given.done:
                script(STORED, "mark-done", campaign, given.done)
            said = script(STORED, "statements", campaign, tokens[0])
            with server.serving(variables, workers=given.workers, threads=given.threads) as running:
                for evaluators in given.evaluators:
                    top_up = script(STAGE, "fill", campaign, backlog)
                    before = server.cpu_ms(running.pid), server.cpu_ms(database_pid) if database_pid else 0.0
                    judges = [
                        Evaluator(running.url, f"Bearer {token}", campaign=campaign)
                        for token in tokens[:evaluators]
                    ]
                    seen = asyncio.run(judge_for(judges, warm_up=given.warm_up, seconds=given.seconds))
                    after = server.cpu_ms(running.pid), server.cpu_ms(database_pid) if database_pid else 0.0
                    # The warm-up costs as much for each judgment as the rest, so it is left in this figure.
                    count = max(1, len(seen.acknowledged))
                    yield {
                        **about,
                        "backlog": backlog,
                        "done_percent": given.done,
                        "overlap": given.overlap,
                        "evaluators": evaluators,
                        **figures(seen),
                        "server_cpu_ms": round((after[0] - before[0]) / count, 2),
                        "database_cpu_ms": round((after[1] - before[1]) / count, 2) if database_pid else None,
                        "statements": {act: len(sql) for act, sql in said.items()},
                        "stored": script(STORED, "check", given=json.dumps(seen.acknowledged)),
                        "uploads": loaded["uploads"] + top_up["uploads"],
                    }
                    loaded["uploads"] = []


def figures(seen: Observed) -> dict[str, Any]:
    return {
        "judgments": len(seen.submits_ms),
        "judgments_per_s": round(len(seen.submits_ms) / seen.seconds, 1),
        "claim_ms": percentiles(seen.claims_ms),
        "submit_ms": percentiles(seen.submits_ms),
        "errors": dict(seen.errors),
    }


def percentiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values) or [float("nan")]
    return {f"p{p}": round(ordered[min(len(ordered) - 1, len(ordered) * p // 100)], 1) for p in (50, 95, 99)}


def line(row: dict[str, Any]) -> str:
    claim, submit = (
        "/".join(str(row[act][p]) for p in ("p50", "p95", "p99")) for act in ("claim_ms", "submit_ms")
    )
    stored = row["stored"]
    wrong = sum(number for name, number in stored.items() if name != "acknowledged")
    return (
        f"{row['backlog']:>9,} {row['evaluators']:>4} {row['judgments_per_s']:>7} {claim:>18} {submit:>18} "
        f"{row['server_cpu_ms']:>6} {row['database_cpu_ms'] or '–':>6} "
        f"{row['statements']['claim']}+{row['statements']['submit']:<5} {wrong:>5}  {row['errors'] or 'none'}"
    )


HEAD = (
    f"{'backlog':>9} {'eval':>4} {'judg/s':>7} {'claim p50/95/99':>18} {'submit p50/95/99':>18} "
    f"{'CPU':>6} {'DB CPU':>6} {'SQL':<7} {'wrong':>5}  errors"
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--backlog", type=int, nargs="+", default=[10_000], help="open tasks")
    parser.add_argument("--done", type=int, default=0, help="percent of all tasks that are judged already")
    parser.add_argument("--overlap", type=int, default=1)
    parser.add_argument("--evaluators", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--warm-up", type=float, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.done and given.database == "sqlite":
        parser.error("--done is for PostgreSQL")
    rows = []
    for row in measured(given):
        if not rows:
            print(f"{row['server']}, {row['workers']} × {row['threads']}; {row['database']}\n{HEAD}")
        print(line(row), flush=True)
        rows.append(row)
        if given.json:
            given.json.write_text(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Ended; what was started is stopped and removed.")
