"""Whether what is stored of judges is what the plan locked and what their replies give. For reading alone."""

from collections.abc import Iterator

from evaltrack.canonical import canonical_json
from experiments.judging import judges, layout
from experiments.judging.judgments import Judgments, runs_of
from experiments.models import Experiment
from experiments.running import planning


def differ(experiment: Experiment, said: Judgments) -> Iterator[str]:
    """A sentence for each judge that is not the plan's, for replies from before it, and for what was counted."""
    locked = experiment.plan.body.get("judges", {})
    asked, kept = runs_of(experiment), layout.answers_kept(experiment)
    for metric in sorted(set(locked) - {metric for metric, _ in asked}):
        yield f"The plan names a judge for {metric}, and nothing was asked of it."
    for (metric, arm), run in asked.items():
        what = f"The judge of the {arm} for {metric}"
        plan = locked.get(metric)
        is_same = plan is not None and (
            plan["judge"] == judges.name_of(run.version)
            and plan["configuration"] == run.version.digest == run.record["configuration"]
            and plan["prompt"] == run.record["prompt"]
        )
        if not is_same:
            yield f"{what} is not the one that the plan names."
        for row in run.outputs.filter(finished_at__lt=experiment.plan.locked_at):
            earlier = kept.get((metric, str(arm), row.position, row.repeat))
            if earlier is None or any(
                getattr(row, name) != getattr(earlier, name) for name in planning.ANSWER
            ):
                yield f"{what} has a reply that is older than the plan, and kept from no earlier look."
                break
        counted = said.tallies[run.pk].as_json()
        if canonical_json(run.record.get("judged")) != canonical_json(counted):
            yield f"{what}: what is stored of how it agrees with itself is not what its replies give."
