"""Where metrics are found by name; asked for one that is not here, it says what to do."""

from collections.abc import Iterable

from evaltrack.errors import ExpectedError
from experiments.metrics.base import Metric
from experiments.metrics.plugins import Problem


class NotInstalled(ExpectedError):
    """A metric that was there when it was used is not there now."""

    status = 503


class Registry(dict[str, Metric]):
    """`problems` are the plug-ins that could not be loaded."""

    def __init__(self, metrics: Iterable[Metric], problems: Iterable[Problem] = ()) -> None:
        super().__init__((metric.name, metric) for metric in metrics)
        self.problems = list(problems)

    def __missing__(self, name: str) -> Metric:
        raise NotInstalled("metric_not_installed", f"The metric {name} {self.why_not(name)}.")

    def why_not(self, name: object) -> str:
        """The end of a sentence about a name that nothing has."""
        prefix, colon, _ = str(name).partition(":")
        if not colon:
            return f"is unknown; known are {', '.join(sorted(self))}"
        broken = [problem.sentence for problem in self.problems if problem.prefix == prefix]
        if broken:
            return f"is of a plug-in that could not be used: {'; '.join(broken)}"
        known = sorted(known for known in self if known.startswith(f"{prefix}:"))
        if known:
            return f"is unknown; {prefix} has {', '.join(known)}"
        return (
            f"is unknown: no installed distribution has an entry point {prefix!r} in the group evaltrack.metrics. "
            "Install it into the environment of the web server and of every worker, and start them again"
        )
