"""The same question again, and how many of the answers to it are reused."""

from collections import Counter

from evaltrack import clock
from experiments import registration, submission
from experiments.models import Experiment
from experiments.running import scheduler

METRICS = [{"metric": "exact_match", "margin": 0.05}, {"metric": "latency_p50", "role": "secondary"}]
SUITE = {"metrics": METRICS, "cache": {"salt": "a"}}
EXAMPLES = 10


def again(experiment, *, suite=SUITE, candidate=None, baseline=None, dataset=None, **given) -> Experiment:
    """The same question, or what is told of it, in a further experiment that is drained."""
    owner = experiment.component.owner
    policy = registration.activate_policy(f"{experiment.component}-policy", suite, by=owner, at=clock.now())
    question = submission.Question(
        component=experiment.component,
        candidate=candidate or experiment.candidate,
        baseline=baseline or experiment.baseline,
        dataset_version=dataset or experiment.dataset_version,
        policy=policy,
        tier="standard",
        **given,
    )
    row = submission.submit(question, by=owner, at=clock.now())
    scheduler.drain()
    return Experiment.objects.with_names().get(pk=row.pk)


def reused(experiment) -> Counter:
    rows = experiment.outputs.filter(reused_from__isnull=False)
    return Counter(rows.values_list("run__arm", flat=True))


def changed(experiment, name="v1.2.0", **parts):
    """A version whose configuration is the candidate's but for some parts."""
    was = experiment.candidate.configuration
    body = {part: {**was.get(part, {}), **parts.get(part, {})} for part in {*was, *parts}}
    return registration.register_version(
        experiment.component, version=name, body=body, by=experiment.component.owner, at=clock.now()
    )


def submitted_again(experiment) -> Experiment:
    owner = experiment.component.owner
    question = submission.question_of(experiment)
    return submission.submit(question, by=owner, at=clock.now())
