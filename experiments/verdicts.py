"""Acts: decide an experiment, and decide it again when people or a proxy have spoken."""

import datetime as dt
from collections.abc import Iterable

from evaltrack.canonical import canonical_json, digest
from evaltrack.ledger import merkle
from evaltrack.ledger.events import Event
from evaltrack.ledger.identity import SYSTEM
from evaltrack.ledger.record import record
from evaltrack.notifications import outbox
from evaltrack.stats.estimate import from_json
from experiments import gates, messages, proxies, suite
from experiments.gates import People
from experiments.models import Comparison, Evidence, EvidenceKind, Experiment, Run, Verdict

# The cause of a verdict that follows upon a provisional one without people.
PROXY_IS_OVER = "the proxy's time is over"


def decide(experiment: Experiment, *, cause: str, at: dt.datetime) -> Verdict:
    """Add a verdict from the stored comparisons and evidence; call it inside the act's transaction."""
    rule = suite.parse(experiment.policy.body).human
    people = latest_people(experiment, at=at)
    decision = gates.decide(
        list(experiment.comparisons.all()), rule=rule, people=people, needed=experiment.needs_people
    )
    previous = experiment.verdicts.first()
    verdict = Verdict.objects.create(
        experiment=experiment,
        number=previous.number + 1 if previous else 1,
        outcome=decision.outcome,
        provisional=decision.provisional,
        automated=decision.automated,
        people=decision.people,
        reasons=decision.reasons,
        evidence_digest=evidence_digest(experiment),
        cause=cause,
        decided_at=at,
    )
    record(
        Event.EXPERIMENT_DECIDED,
        by=SYSTEM,
        subject=experiment,
        facts={
            "outcome": verdict.outcome,
            "provisional": verdict.provisional,
            "automated": verdict.automated,
            "number": verdict.number,
            "evidence_digest": verdict.evidence_digest,
            "plan": experiment.plan.digest,
        },
        at=at,
    )
    told = messages.experiment_decided(experiment, verdict, previous)
    outbox.post(told, to=[experiment.component.owner], at=at)
    return verdict


def latest_people(experiment: Experiment, *, at: dt.datetime) -> People | None:
    """What people said, if they have; else the proxy that stands in for them at `at`, if one does."""
    if human := newest(experiment, EvidenceKind.HUMAN):
        return People(
            net_preference=from_json(human.body["net_preference"]),
            agreement=from_json(human.body["agreement"]),
        )
    if proxy := proxies.standing(experiment, at=at):
        return People(
            proxy=proxy.body["metric"],
            proxy_outcome=proxy.body["outcome"],
            # Evidence of before it was asked how well proxies agree with people has none of this.
            proxy_cannot_pass=proxy.body.get("cannot_pass", ""),
            proxy_note=proxies.behind_it(proxy.body),
        )
    return None


def newest(experiment: Experiment, kind: str) -> Evidence | None:
    return experiment.evidence.filter(kind=kind).order_by("-pk").first()


def evidence_digest(experiment: Experiment, comparisons: Iterable[Comparison] | None = None) -> str:
    """One digest over everything that the verdict rests on: plan, outputs, comparisons, evidence of people.

    `comparisons`: other ones than those that are stored, such as recomputed ones.
    """
    compared = [
        {
            "metric": row.metric,
            "baseline": row.baseline,
            "candidate": row.candidate,
            "delta": row.delta,
            "tests": row.tests,
            "outcome": row.outcome,
        }
        for row in (experiment.comparisons.all() if comparisons is None else comparisons)
    ]
    people = [digest(row.body) for row in experiment.evidence.order_by("pk")]
    return digest(
        {
            "plan": digest(experiment.plan.body),
            **outputs_of(experiment),
            "comparisons": compared,
            "people": people,
        }
    )


def outputs_of(experiment: Experiment) -> dict[str, dict[str, str]]:
    """The roots of the outputs of both arms, and of what judges said of them where there are any."""
    roots = {"outputs": {run.arm: outputs_root(run) for run in experiment.runs.of_arms()}}
    judging = experiment.runs.judging().select_related("judges")
    judged = {f"{run.metric} of the {run.judges.arm}": outputs_root(run) for run in judging if run.judges}
    return roots | ({"judged": judged} if judged else {})


def outputs_root(run: Run) -> str:
    """The Merkle root over a run's outputs in order: one digest that can prove each of them."""
    columns = (
        "example_id",
        "repeat",
        "outcome",
        "text",
        "error",
        "latency_ms",
        "input_tokens",
        "output_tokens",
    )
    further = ("contexts", "citations", "reused_from_id")
    rows = run.outputs.order_by("position", "repeat").values_list(*columns, *further)
    leaves = (merkle.leaf_hash(canonical_json(leaf(row))) for row in rows.iterator(chunk_size=500))
    return merkle.root(leaves).hex()


def leaf(row: tuple) -> tuple:
    """What of an output its leaf holds: without contexts, citations, or an answer that it reuses what it held before
    there were any. The length tells which."""
    if row[-1] is not None:
        return row
    return row[:-1] if any(told is not None for told in row[-3:-1]) else row[:-3]
