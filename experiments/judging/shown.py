"""What pages and the API show of judges. For reading alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evaltrack.stats.estimate import Estimate, from_json
from experiments import suite
from experiments.judging import forms, judges, layout, questions, replies
from experiments.judging.forms import PAIRWISE
from experiments.judging.judgments import runs_of
from experiments.judging.replies import NotAReply, Reply
from experiments.models import Arm, Experiment, Outcome, Output, Run
from experiments.suite import MetricRule

KEYS = ("score", "verdict", "verdicts")


@dataclass(frozen=True)
class Judge:
    """Who judged by a metric, and what is known of how: a sentence for each arm whose answers it judged."""

    run: Run
    sentences: list[tuple[str, str]]

    @property
    def name(self) -> str:
        return judges.name_of(self.run.version)


def of(experiment: Experiment) -> dict[str, Judge]:
    """By metric."""
    found: dict[str, Judge] = {}
    for (metric, arm), run in runs_of(experiment).items():
        judge = found.setdefault(metric, Judge(run, []))
        if sentence := in_words(run):
            judge.sentences.append((Arm(arm).label if metric != PAIRWISE else "Both arms", sentence))
    return found


def in_words(run: Run) -> str:
    """What was counted when the experiment was concluded; nothing before."""
    counted = run.record.get("judged")
    if not counted:
        return ""
    answers, errors = counted["answers"], counted["errors"]
    kind = "pairs" if run.metric == PAIRWISE else "answers"
    parts = [f"the judge was asked about {answers:,} {kind}, {run.record['samples']} times each"]
    if run.record["samples"] == 1:
        parts = [f"the judge was asked about {answers:,} {kind}"]
    parts.append(f"it failed on {errors:,}" if errors else "it failed on none")
    if "spread" in counted:
        parts.append(f"its samples of one answer lie {counted['spread']:.2g} apart on average")
    if "swaps" in counted:
        parts.append(about_swaps(counted["swaps"]))
    return "; ".join(parts)


def about_swaps(swaps: Mapping[str, Any]) -> str:
    """How its preferences bear an exchange of the two answers."""
    consistent, first = from_json(swaps["consistent"]), from_json(swaps["first"])
    if not isinstance(consistent, Estimate):
        return consistent.reason
    share = percent(1 - consistent.value)
    if consistent.ci_low is not None and consistent.ci_high is not None:
        share += f" ({percent(1 - consistent.ci_high)} to {percent(1 - consistent.ci_low)})"
    sentence = f"it contradicted itself on {share} of them when the answers changed places"
    if isinstance(first, Estimate):
        sentence += f", and then leaned to the first in {percent(first.value)}"
    return sentence


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def as_json(experiment: Experiment) -> list[dict[str, Any]]:
    return [
        {
            "metric": metric,
            "arm": str(arm),
            "judge": judges.name_of(run.version),
            "configuration": run.version.digest,
            "prompt": run.record["prompt"],
            "samples": run.record["samples"],
            "run": str(run.public_id),
            "found": run.record.get("judged"),
        }
        for (metric, arm), run in sorted(runs_of(experiment).items())
    ]


@dataclass(frozen=True)
class Heard:
    """One reply about an answer: what it says, and why in the judge's words; or why it is none."""

    said: str
    reason: str
    error: str = ""


def about(experiment: Experiment, metric: str, outputs: Sequence[Output]) -> dict[int, list[Heard]]:
    """What the judge of a metric said of these outputs, by their keys, in the order of calls."""
    rules = suite.parse(experiment.plan.body["policy"])
    rule = next((each for each in judges.judged_rules(rules) if each.metric == metric), None)
    if rule is None:
        return {}
    run_by_judged = {run.judges_id: run for (name, _), run in runs_of(experiment).items() if name == metric}
    rows = Output.objects.filter(
        run__in=[run.pk for run in run_by_judged.values()],
        position__in={output.position for output in outputs},
    )
    said = {(row.run_id, row.position, row.repeat): row for row in rows}
    found = {}
    for output in outputs:
        if run := run_by_judged.get(output.run_id):
            several = [
                (call, said.get((run.pk, output.position, layout.repeat_of(rule, output.repeat, call))))
                for call in range(forms.calls(rule))
            ]
            found[output.pk] = [heard(rule, call, row) for call, row in several if row is not None]
    return found


def heard(rule: MetricRule, call: int, row: Output) -> Heard:
    if row.outcome not in {Outcome.ANSWERED, Outcome.FORMAT_INVALID}:
        return Heard(
            "", "", f"{row.get_outcome_display()}: {row.error}" if row.error else row.get_outcome_display()
        )
    reply = reply_of(row.text)
    if reply is None or row.outcome == Outcome.FORMAT_INVALID:
        return Heard("", row.text, row.error or "not in the format that was asked for")
    return Heard(said_in_words(rule, call, reply), reply.reason)


def reply_of(text: str) -> Reply | None:
    for key in KEYS:
        try:
            found = replies.the_object(text, key)
        except NotAReply:
            continue
        value = found[key]
        return Reply(
            found["reason"],
            score=value if key == "score" else None,
            choice=value if key == "verdict" else "",
            verdicts=tuple(value) if key == "verdicts" else (),
        )
    return None


def said_in_words(rule: MetricRule, call: int, reply: Reply) -> str:
    if reply.score is not None:
        low, high = questions.scale(rule)
        return f"Score {reply.score}, of {low} to {high}"
    if reply.choice:
        first = "candidate" if call % 2 == 0 else "baseline"
        other = "baseline" if call % 2 == 0 else "candidate"
        words = {"1": f"Prefers the {first}", "2": f"Prefers the {other}", "tie": "Prefers neither"}
        return f"{words[reply.choice]}; the {first} stood first"
    return f"True of {sum(reply.verdicts)} of {len(reply.verdicts)}"
