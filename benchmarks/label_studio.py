"""Label Studio under the same load, where it is installed: evaluators who ask for a task and annotate it.

    python -m venv /tmp/label-studio && /tmp/label-studio/bin/pip install label-studio gunicorn
    python -m benchmarks.label_studio /tmp/label-studio/bin/python --backlog 100000 --evaluators 8

The same database with the same settings, gunicorn with as many workers and threads, the same clients, pairs of the
same length. It is asked for over loopback only, and its telemetry is off.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.closed_loop import Browser, Observed, judge_for
from benchmarks.review_queue import figures
from tests import postgresql, server

# Run by Label Studio's Python, in its settings: makes the people, the project and its tasks.
SET_UP = """
import json, sys
import django
django.setup()
from rest_framework.authtoken.models import Token
from django.db import connection
from organizations.models import Organization
from projects.models import Project
from tasks.models import Task
from users.models import User
backlog, evaluators = map(int, sys.argv[1:])
users = [User.objects.create_user(email=f"bench{n}@example.org", password="benchmark") for n in range(evaluators)]
organization = Organization.create_organization(created_by=users[0], title="Benchmark")
organization.jwt.legacy_api_tokens_enabled = True
organization.jwt.save()
for user in users:
    if user is not users[0]:
        organization.add_user(user)
    user.active_organization = organization
    user.save()
project = Project.objects.create(
    title="Pairs", organization=organization, created_by=users[0], maximum_annotations=1, is_published=True,
    label_config='<View><Text name="prompt" value="$prompt"/><Pairwise name="pw" toName="a,b"/>'
                 '<Text name="a" value="$a"/><Text name="b" value="$b"/></View>')
prompt = "Which of the two answers would help somebody who asks about case {n}? " * 4
answer = "Answer of {source} to case {n}: a few sentences of the length that assistants write. " * 8
for start in range(0, backlog, 5000):
    Task.objects.bulk_create(
        Task(project=project, overlap=1, inner_id=n + 1, data={
            "prompt": prompt.format(n=n),
            "a": answer.format(source="system-a", n=n), "b": answer.format(source="system-b", n=n)})
        for n in range(start, min(start + 5000, backlog)))
project.summary.update_data_columns(project.tasks.all()[:10])
with connection.cursor() as cursor:
    cursor.execute("ANALYZE")
print(json.dumps({"project": project.pk, "tokens": [Token.objects.get_or_create(user=u)[0].key for u in users]}))
"""
CHECK = """
import json, sys
import django
django.setup()
from django.db.models import Count
from tasks.models import Annotation
twice = Annotation.objects.values("task").annotate(n=Count("pk")).filter(n__gt=1).count()
print(json.dumps({"annotations": Annotation.objects.count(), "tasks_done_twice": twice}))
"""
CHOICE = [{"from_name": "pw", "to_name": "a", "type": "pairwise", "value": {"selected": "left"}}]


@dataclass
class Annotator(Browser):
    project: int = 0

    async def judge(self, seen: Observed, number: int) -> None:
        status, task, claim_ms = await self.request("GET", f"/api/projects/{self.project}/next")
        if status != 200:
            seen.errors[f"next {status}"] += 1
            await asyncio.sleep(0.05)
            return
        answer = {"result": CHOICE, "lead_time": 1}
        status, stored, submit_ms = await self.request(
            "POST", f"/api/tasks/{task['id']}/annotations/", answer
        )
        if status != 201:
            seen.errors[f"annotation {status}"] += 1
            return
        seen.add(str(stored["id"]), claim_ms, submit_ms)


def measured(given: argparse.Namespace) -> dict[str, Any]:
    asked = [
        given.python,
        "-c",
        "import label_studio; print(label_studio.__path__[0], label_studio.__version__)",
    ]
    package, version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    with (
        tempfile.TemporaryDirectory(prefix="evaltrack-bench-") as folder,
        postgresql.cluster(postgresql.DURABLE) as cluster,
    ):
        environment = {
            **os.environ,
            "PYTHONPATH": package,
            "DJANGO_SETTINGS_MODULE": "core.settings.label_studio",
            "DJANGO_DB": "default",
            "POSTGRE_HOST": str(cluster.folder),
            "POSTGRE_NAME": "postgres",
            "POSTGRE_USER": "evaltrack",
            "LABEL_STUDIO_BASE_DATA_DIR": folder,
            "LATEST_VERSION_CHECK": "0",
            "COLLECT_ANALYTICS": "0",
            "SENTRY_DSN": "",
            "FRONTEND_SENTRY_DSN": "",
            "LOG_LEVEL": "ERROR",
            "DEBUG": "0",
        }

        def run(*words: Any) -> str:
            command = [given.python, *map(str, words)]
            done = subprocess.run(command, env=environment, cwd=package, stdout=subprocess.PIPE, text=True)
            if done.returncode:
                sys.exit(f"Label Studio could not be set up: {command[1]}")
            return done.stdout

        run("manage.py", "migrate", "-v0")
        made = json.loads(run("-c", SET_UP, given.backlog, given.evaluators).splitlines()[-1])
        with server.serving(
            environment,
            workers=given.workers,
            threads=given.threads,
            python=given.python,
            application="core.wsgi",
            folder=Path(package),
            health="/health",
        ) as running:
            before = server.cpu_ms(running.pid), server.cpu_ms(cluster.pid)
            annotators = [
                Annotator(running.url, f"Token {token}", project=made["project"]) for token in made["tokens"]
            ]
            seen = asyncio.run(judge_for(annotators, warm_up=given.warm_up, seconds=given.seconds))
            after = server.cpu_ms(running.pid), server.cpu_ms(cluster.pid)
        count = max(1, len(seen.acknowledged))
        return {
            "version": version,
            "backlog": given.backlog,
            "evaluators": given.evaluators,
            **figures(seen),
            "server_cpu_ms": round((after[0] - before[0]) / count, 1),
            "database_cpu_ms": round((after[1] - before[1]) / count, 1),
            "stored": json.loads(run("-c", CHECK).splitlines()[-1]),
        }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("python", help="the Python of the environment that Label Studio is installed in")
    parser.add_argument("--backlog", type=int, default=100_000)
    parser.add_argument("--evaluators", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--warm-up", type=float, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)
    print(json.dumps(measured(parser.parse_args()), indent=1))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Ended; what was started is stopped and removed.")
