"""Act: lay out what judges are asked, once all answers are there. What they say is outputs like any others."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.db import transaction

from datasets.examples import Example
from datasets.shelf import Shelf
from evaltrack.bulk import insert_rows
from evaltrack.errors import Refused
from experiments import scoring, suite
from experiments.judging import forms, judges, prompts
from experiments.judging.asked import Asked
from experiments.judging.forms import FORMS, PAIRWISE
from experiments.metrics.base import Answered, Value
from experiments.models import WITHOUT_ANSWER, Arm, ComponentVersion, Experiment, Output, Run
from experiments.running import planning
from experiments.scoring import ByPosition
from experiments.suite import MetricRule, Suite

CHUNK = 500


def lay_out(experiment: Experiment, *, at: dt.datetime, shelf: Shelf | None = None) -> bool:
    """Create the runs of the judges and their open outputs, all or nothing; whether there was anything to create.

    Nothing is, where the policy names no judge, where it was done before, or where so many answers are missing that
    there will be no verdict. Raises Unavailable while the dataset's store does not answer, and Invalid where a judge
    is not the one that the plan locked.
    """
    rules = suite.parse(experiment.policy.body)
    if not judges.judged_rules(rules) or experiment.runs.judging().exists():
        return False
    if hopeless(experiment, rules):
        return False
    asked = judges.of(rules)
    if judges.locked(asked) != experiment.plan.body.get("judges"):
        raise Refused(
            "judge_changed",
            f"{experiment} locked other prompts of judges than this server has; run it again.",
        )
    kept = answers_kept(experiment)
    examples = (shelf or Shelf()).examples(experiment.dataset_version)
    with transaction.atomic():
        # Of two workers the second waits here, and finds what the first has laid out.
        held = Experiment.objects.select_for_update().get(pk=experiment.pk)
        if held.runs.judging().exists() or held.finished_at is not None:
            return False
        arms = {Arm(run.arm): run for run in held.runs.of_arms()}
        runs = {
            (rule.metric, arm): create_run(arms[arm], rule, asked[rule.metric], at=at)
            for rule in judges.judged_rules(rules)
            for arm in judged_arms(rule)
        }
        rows = work_items(arms, runs, rules, examples, kept)
        while several := list(islice(rows, CHUNK)):
            insert_rows(Output, several)
    return True


def judged_arms(rule: MetricRule) -> Sequence[Arm]:
    """Of a pair the candidate's answer is judged, beside the baseline's."""
    return [Arm.CANDIDATE] if rule.metric == PAIRWISE else list(Arm)


def hopeless(experiment: Experiment, rules: Suite) -> bool:
    """Whether more calls of an arm failed than the policy allows: judges would be paid for nothing."""
    for run in experiment.runs.of_arms():
        total = run.outputs.count()
        failed = run.outputs.filter(outcome__in=WITHOUT_ANSWER).count()
        if not total or failed / total > rules.max_error_share:
            return True
    return False


def create_run(judged: Run, rule: MetricRule, judge: ComponentVersion, *, at: dt.datetime) -> Run:
    return planning.new_run(
        judged.experiment,
        judge,
        judged=judged,
        metric=rule.metric,
        seed=judged.record["seed"],
        also={
            "judge": judges.name_of(judge),
            "prompt": prompts.digest_of(FORMS[rule.metric].prompt),
            "samples": forms.samples(rule),
        },
        at=at,
    )


def repeat_of(rule: MetricRule, judged_repeat: int, call: int) -> int:
    """Which repeat of the judge's run is a call about an output."""
    return judged_repeat * forms.calls(rule) + call


def work_items(
    arms: Mapping[Arm, Run],
    runs: Mapping[tuple[str, Arm], Run],
    rules: Suite,
    examples: ByPosition,
    kept: Mapping[tuple[str, str, int, int], Output],
) -> Iterator[dict[str, Any]]:
    """The judges' outputs as rows; they are open, but for those of which the replies are `kept`.

    The order is that of the answers, so that both arms are judged at about the same time."""
    for both in pairs(arms):
        for rule, arm, question in asked_of(rules, both, examples):
            if not isinstance(question, Asked):
                continue
            row, run, several = both[arm], runs[rule.metric, arm], forms.calls(rule)
            for call in range(several):
                repeat = repeat_of(rule, row.repeat, call)
                yield {
                    "run_id": run.pk,
                    "experiment_id": run.experiment_id,
                    "position": row.position,
                    "example_id": row.example_id,
                    "order": row.order * several + call,
                    **planning.answer(kept.get((rule.metric, arm, row.position, repeat))),
                    "repeat": repeat,
                }


def asked_of(
    rules: Suite, both: Mapping[Arm, Output], examples: ByPosition
) -> Iterator[tuple[MetricRule, Arm, Asked | Value]]:
    """What each judged metric asks about the answers of both arms to an example, or has as their value."""
    example = examples[next(iter(both.values())).position]
    reads = read(both, example, rules)
    for rule in judges.judged_rules(rules):
        for arm in judged_arms(rule):
            yield rule, arm, forms.asked(rule, reads[arm], rival_of(arm, reads))


def read(both: Mapping[Arm, Output], example: Example, rules: Suite) -> dict[Arm, Answered]:
    return {arm: scoring.answered(row, example, rules) for arm, row in both.items()}


def rival_of(arm: Arm, reads: Mapping[Arm, Answered]) -> Answered | None:
    return next((read for other, read in reads.items() if other != arm), None)


def pairs(arms: Mapping[Arm, Run]) -> Iterator[dict[Arm, Output]]:
    """The outputs of both arms, position by position and repeat by repeat, read in chunks."""
    streams = {arm: run.outputs.in_order().iterator(chunk_size=CHUNK) for arm, run in arms.items()}
    for rows in zip(*streams.values(), strict=True):
        if len({(row.position, row.repeat) for row in rows}) != 1:
            raise Refused("arms_differ", "The arms do not have outputs of the same examples.")
        yield dict(zip(streams, rows, strict=True))


def answers_kept(experiment: Experiment) -> dict[tuple[str, str, int, int], Output]:
    """What judges said in the experiment that this one extends, where they would be told the same again."""
    plan_before = getattr(experiment.extends, "plan", None)
    if plan_before is None:
        return {}
    locked, before = experiment.plan.body.get("judges", {}), plan_before.body.get("judges", {})
    alike = [metric for metric, judge in locked.items() if before.get(metric) == judge]
    rows = Output.objects.filter(
        run__experiment=experiment.extends, run__judges__isnull=False, run__metric__in=alike
    ).select_related("run__judges")
    return {
        (row.run.metric, row.run.judges.arm, row.position, row.repeat): row for row in rows if row.run.judges
    }
