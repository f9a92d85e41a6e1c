"""The tables of production as files: what was sampled there, what was promised, and live tests."""

from collections.abc import Sequence
from typing import Any

from evaltrack.tables import Table, limits, with_limits
from experiments.models import Component, LiveTest
from experiments.production.calibration import Promise
from experiments.production.watching import Watched


def watched(component: Component, found: Sequence[Watched]) -> Table:
    return Table(
        f"{component.name}-production",
        (
            "metric", "role", "samples", *with_limits("now", "last_deployment"),
            *with_limits("change_at_any_time", "change_one_look"), "alert",
        ),
        [
            {
                "metric": row.metric.name,
                "role": row.role,
                "samples": row.after.n,
                **limits("now", row.level.as_json()),
                **limits("last_deployment", row.level_before.as_json()),
                **limits("change_at_any_time", row.change.as_json()),
                **limits("change_one_look", row.once.as_json()),
                "alert": row.text,
            }
            for row in found
        ],
        brief=("metric", "samples", "now", "last_deployment", *with_limits("change_at_any_time"), "alert"),
    )  # fmt: skip


def days(component: Component, metric: str, found: Sequence[dict[str, Any]]) -> Table:
    return Table(
        f"{component.name}-{metric}-by-day",
        ("day", "version", *with_limits("value"), "samples"),
        [
            {
                "day": row["day"].isoformat(),
                "version": row["deployment"].version.version,
                **limits("value", row["level"]),
                "samples": row["level"].get("n"),
            }
            for row in found
        ],
    )


def promises(metric: str, shown: Sequence[Promise]) -> Table:
    return Table(
        f"{metric or 'no-metric'}-promised-and-realised",
        (
            "component", "version", "since", "promotion", *with_limits("promised", "realised"),
            *with_limits("realised_minus_promised"), "kept",
        ),
        [
            {
                "component": each.deployment.component.name,
                "version": each.deployment.version.version,
                "since": each.deployment.started_at.isoformat(),
                "promotion": str(each.deployment.promotion),
                **limits("promised", each.promised.as_json()),
                **limits("realised", each.realised.as_json()),
                **limits("realised_minus_promised", each.surplus.as_json()),
                "kept": each.kept,
            }
            for each in shown
        ],
        brief=("version", "promised", "realised", *with_limits("realised_minus_promised"), "kept"),
    )  # fmt: skip


def live(test: LiveTest, found: dict[str, Any]) -> Table:
    """Both arms, and the difference in the row of the treatment."""
    versions = {"control": test.experiment.baseline, "treatment": test.experiment.candidate}
    return Table(
        f"{test}-arms",
        ("arm", "version", "units", "mean", *with_limits("difference"), "margin", "outcome"),
        [
            {
                "arm": arm,
                "version": version.version,
                "units": found["units"][arm],
                "mean": found["means"][arm],
                **(
                    {
                        **limits("difference", found["effect"]),
                        "margin": test.margin,
                        "outcome": found["outcome"],
                    }
                    if arm == "treatment"
                    else {}
                ),
            }
            for arm, version in versions.items()
        ],
    )
