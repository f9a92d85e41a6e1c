"""How near the runner comes to what latency and concurrency allow: load, call, persist, score, compare.

    python -m benchmarks.runner --database postgresql --examples 4000 --concurrency 64

starts an endpoint that answers after `--latency-ms`, a database of its own and one worker, and evaluates two
versions on so many examples. The ideal is calls / concurrency * latency.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import beside
from benchmarks.databases import database
from benchmarks.questions import made
from tests import server


@contextmanager
def endpoint(latency_ms: float) -> Iterator[str]:
    words = [sys.executable, "-m", "benchmarks.mock_endpoint", "--latency-ms", str(latency_ms)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        finally:
            process.terminate()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--examples", type=int, default=4000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--keep-replies", action="store_true", help="what the endpoint answers is kept whole")
    parser.add_argument("--beside", action="store_true", help="other runners too, where they are installed")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="evaltrack-bench-") as name,
        endpoint(given.latency_ms) as base_url,
        database(given.database, Path(name)) as (variables, _),
    ):
        variables = {**variables, "EVALTRACK_TARGET_HOSTS": "127.0.0.1:*"}
        words = [base_url, *map(str, (given.examples, given.concurrency, given.latency_ms))]
        words.append(str(int(given.keep_replies)))
        print(server.in_application("benchmarks.inside.evaluated", *words, environment=variables).strip())
        if given.beside:
            rows = list(made(given.examples))
            for found in beside.others(base_url, rows, concurrency=given.concurrency):
                print(json.dumps(found))


if __name__ == "__main__":
    main()
