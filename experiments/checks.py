"""System checks: what of the set-up of metrics cannot be used, with what to do."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning

from experiments.metrics import REGISTRY
from experiments.scorers.isolated import SCRIPTS


def plugins_load(**_: Any) -> list[CheckMessage]:
    """A plug-in that is broken takes its own metrics away and nothing else."""
    return [
        Warning(
            f"The metrics of the plug-in {problem.prefix!r} are left out: {problem.sentence}.",
            hint="Mend or remove that distribution and start again; suites that name its metrics are refused.",
            id="experiments.W001",
        )
        for problem in REGISTRY.problems
    ]


def scorers_are_known(**_: Any) -> list[CheckMessage]:
    """Whether there are interpreters where they are said to be is the workers' business: web servers need none."""
    return [
        Warning(
            f"EVALTRACK_SCORERS names {name!r}, which is no scorer.",
            hint=f"Scorers are {', '.join(sorted(SCRIPTS))}.",
            id="experiments.W002",
        )
        for name in sorted(set(settings.SCORERS) - set(SCRIPTS))
    ]
