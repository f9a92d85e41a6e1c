"""`manage.py demo`: evaltrack doing what it is for, on this machine alone."""

import json
import os
import signal
import time
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from annotation.agreement import figures
from annotation.models import Campaign
from evaltrack import clock
from evaltrack.demo import report, seed, walks
from evaltrack.demo.processes import NotStarted, Processes, port_is_free
from evaltrack.stats.estimate import Estimate
from experiments.models import Experiment


class Stopped(Exception):
    """Ctrl-C, or a polite end from outside."""


class Command(BaseCommand):
    help = "Migrate, seed, start assistant, worker and web server, run the demo's experiments, and serve."

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--once", action="store_true", help="end after printing, with exit status 0")

    def handle(self, *, port: int, once: bool, **options):
        if not port_is_free(port):
            raise CommandError(f"Port {port} is taken. Choose another: make demo PORT={port + 1}")
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        started = time.monotonic()
        described = settings.VAR / "demo.json"
        described.unlink(missing_ok=True)
        try:
            with Processes(settings.VAR / "log") as processes:
                self.run(processes, port=port, described=described)
                self.stdout.write(f"\nReady after {time.monotonic() - started:.0f} s.")
                if not once:
                    self.stdout.write("Serving until Ctrl-C.")
                    while True:
                        processes.check()
                        time.sleep(1)
        except Stopped:
            self.stdout.write("\nStopped; every process has ended. The data stays in var/ (make clean-demo).")
        except (NotStarted, TimeoutError) as error:
            raise CommandError(str(error)) from error

    def run(self, processes: Processes, *, port: int, described: Path) -> None:
        url = f"http://127.0.0.1:{port}"
        configure(url)
        call_command("migrate", verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        base_url = start_assistant(processes)
        found = Experiment.objects.exists()
        self.stdout.write(
            "Data of an earlier start found; nothing is measured again." if found else "Seeding."
        )
        world = seed.seed(base_url=base_url)
        token = seed.token(world.ci)
        processes.start("worker", "manage.py", "worker")
        processes.start(
            "web", "-m", "gunicorn", "evaltrack.wsgi", "--bind", f"127.0.0.1:{port}",
            "--worker-class", "gthread", "--workers", "2", "--threads", "4", "--access-logfile", "-",
        )  # fmt: skip
        processes.wait_for("web", f"{url}/healthz")
        faq = walks.experiment_of(
            world,
            "customer-faq",
            hypothesis="Several articles and typo-tolerant search answer more questions.",
        )
        finder = walks.experiment_of(
            world, "store-finder", hypothesis="Citing the page does not cost accuracy."
        )
        if not found:
            self.stdout.write(f"{faq} and {finder}: asking the assistant.")
        faq, finder = walks.wait_until_measured([faq, finder], processes.check)
        campaign = walks.campaign_of(faq) if faq.status == "awaiting_people" else None
        simulated = walks.simulated_campaign(finder, world) if finder.verdicts.exists() else None
        promoted, refusal = walks.promote(finder, world)
        for experiment in (faq, finder):
            self.stdout.write("\n" + report.table(experiment))
        self.print_people(campaign, simulated)
        if promoted:
            self.stdout.write(
                f"\n{promoted}: {promoted.version} to {promoted.environment}, {promoted.status}."
            )
        else:
            self.stdout.write(f"\nNo promotion of {finder.candidate}: {refusal}")
        self.print_addresses(url, token)
        describe(described, url=url, token=token)

    def print_people(self, campaign: Campaign | None, simulated: Campaign | None) -> None:
        if campaign:
            self.stdout.write(
                f"\n{campaign.name} is open for people: {campaign.slots.count()} judgments wanted."
            )
        if simulated:
            judgments = figures.counted(simulated, at=clock.now())
            kappa = figures.of_pairs(simulated, judgments).cohen_kappa
            shown = (
                f"{kappa.value:.2f} ({kappa.ci_low:.2f} to {kappa.ci_high:.2f})"
                if isinstance(kappa, Estimate) and kappa.ci_low is not None and kappa.ci_high is not None
                else "undefined"
            )
            self.stdout.write(
                f"SIMULATED campaign, judged by programs: Cohen's kappa {shown}. It is no evidence."
            )

    def print_addresses(self, url: str, token: str) -> None:
        names = ", ".join([*seed.PEOPLE, f"{seed.EVALUATORS[0]} to {seed.EVALUATORS[-1]}"])
        self.stdout.write(
            f"\n{url}/            sign in as {names}\n"
            f"{'':{len(url)}}             password for all: {seed.PASSWORD}\n"
            f"{url}/queue/      judge, as an evaluator\n"
            f"{url}/admin/      decide about promotions, as the approver\n"
            f"{url}/api/v1/     token of the machine `ci`: {token}"
        )


def stop(*_: object) -> None:
    raise Stopped


def configure(url: str) -> None:
    """What this instance needs beyond the defaults, kept beside its data: it holds for every command after."""
    wanted = {"EVALTRACK_SITE_URL": url, "EVALTRACK_TARGET_HOSTS": "127.0.0.1:*,localhost:*,::1:*"}
    lines = "".join(f"{name}={value}\n" for name, value in wanted.items())
    (settings.VAR / "settings.env").write_text(lines)
    settings.SITE_URL, settings.TARGET_HOSTS = url, wanted["EVALTRACK_TARGET_HOSTS"].split(",")


def start_assistant(processes: Processes) -> str:
    """Start the assistant, on the port of an earlier start where that is free: configurations name it."""
    remembered = settings.VAR / "assistant.url"
    port = remembered.read_text().rpartition(":")[2].partition("/")[0] if remembered.exists() else "0"
    if not port_is_free(int(port)):
        port = "0"
    announced = settings.VAR / "assistant.port"
    announced.unlink(missing_ok=True)
    processes.start(
        "assistant", "-m", "evaltrack.demo.assistant", "--port", port, "--port-file", str(announced)
    )
    deadline = time.monotonic() + 30
    while not announced.exists():
        processes.check()
        if time.monotonic() > deadline:
            raise NotStarted(f"The assistant did not start; see {processes.logs / 'assistant.log'}")
        time.sleep(0.05)
    base_url = f"http://127.0.0.1:{announced.read_text().strip()}/v1"
    remembered.write_text(base_url)
    return base_url


def describe(path: Path, *, url: str, token: str) -> None:
    """Written last and by rename: whoever sees the file may use what it says."""
    temporary = path.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_text(json.dumps({"url": url, "token": token, "accounts": seed.accounts()}, indent=2))
    os.replace(temporary, path)
