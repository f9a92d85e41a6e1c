"""What must never be reused: the worst mistake is to take an answer that is another's."""

import datetime as dt
import json

import pytest

from datasets import ingest, versions
from evaltrack import clock
from experiments.models import Outcome, Output, OutputState
from experiments.running import scheduler
from tests.endpoint import Reply, adds, asked, says, serve
from tests.experiments.reuse.playing import EXAMPLES, METRICS, SUITE, again, changed, reused
from tests.factories import experiments

pytestmark = pytest.mark.django_db


def test_an_answer_from_another_address_is_not_reused(first):
    with serve(adds) as one, serve(lambda call: says("elsewhere")) as other:
        experiment = first(one)
        elsewhere = changed(experiment, target={"base_url": other.base_url})
        further = again(experiment, candidate=elsewhere)
        assert len(other.calls) == EXAMPLES
    assert reused(further) == {"baseline": EXAMPLES}
    assert set(further.outputs.filter(run__arm="candidate").values_list("text", flat=True)) == {"elsewhere"}


@pytest.mark.parametrize(
    "parts",
    [
        {"parameters": {"temperature": 1}},
        {"parameters": {"max_tokens": 5}},
        {"parameters": {"seed": 1}},
        {"target": {"model": "another"}},
        {"target": {"api_key_env": "MODEL_KEY"}},
        {"prompt": {"user": "Now: {{ input }}"}},
        {"prompt": {"system": "Be brief."}},
    ],
    ids=str,
)
def test_an_answer_to_another_request_is_not_reused(first, settings, parts):
    settings.TARGET_KEYS = ["MODEL_KEY"]
    with serve(adds) as endpoint:
        experiment = first(endpoint)
        further = again(experiment, candidate=changed(experiment, **parts))
        assert len(endpoint.calls) == 3 * EXAMPLES
    assert reused(further) == {"baseline": EXAMPLES}


@pytest.mark.parametrize(
    "suite",
    [
        {"metrics": METRICS},
        {"metrics": METRICS, "cache": {}},
        {"metrics": METRICS, "cache": {"salt": "b"}},
    ],
    ids=["no cache", "no salt", "another salt"],
)
def test_without_the_cache_or_with_another_salt_nothing_is_reused(first, suite):
    with serve(adds) as endpoint:
        experiment = first(endpoint)
        assert reused(again(experiment, suite=suite)) == {}
        assert len(endpoint.calls) == 4 * EXAMPLES


def test_an_experiment_without_a_cache_leaves_nothing_for_others(first):
    with serve(adds) as endpoint:
        experiment = first(endpoint, suite={"metrics": METRICS})
        assert not Output.objects.exclude(cache_key=None).exists()
        assert reused(again(experiment)) == {}


def test_a_repeat_reuses_the_same_repeat_alone(first):
    """Were the first repeat's answer used for all, the repeats would not vary, and look surer than they are."""
    with serve(lambda call: says(f"answer {call.nth}")) as endpoint:
        experiment = first(endpoint)
        further = again(experiment, suite=SUITE | {"repeats": 3})
        assert len(endpoint.calls) == 2 * EXAMPLES + 2 * 2 * EXAMPLES
    assert reused(further) == {"baseline": EXAMPLES, "candidate": EXAMPLES}
    assert set(further.outputs.filter(reused_from__isnull=False).values_list("repeat", flat=True)) == {0}
    for example in range(EXAMPLES):
        rows = further.outputs.filter(example_id=f"q{example}", run__arm="candidate")
        assert len(set(rows.values_list("text", flat=True))) == 3


def test_the_first_repeat_does_not_take_what_was_said_in_a_later_one(first):
    with serve(adds) as endpoint:
        experiment = first(endpoint, suite=SUITE | {"repeats": 3})
        experiment.outputs.filter(repeat=0).update(cache_key=None)
        assert reused(again(experiment)) == {}


NEVER = {
    "refused by a filter": says(
        "no", choices=[{"message": {"content": "no"}, "finish_reason": "content_filter"}]
    ),
    "a refusal": says("", choices=[{"message": {"refusal": "I must not"}, "finish_reason": "stop"}]),
    "cut by its length": says("1", choices=[{"message": {"content": "1"}, "finish_reason": "length"}]),
    "cut in other words": says("1", choices=[{"message": {"content": "1"}, "finish_reason": "MAX_TOKENS"}]),
    "without a reason": says("1", choices=[{"message": {"content": "1"}}]),
    "an error": Reply(b"no", 400),
    "nonsense": Reply(b"<html>"),
}


@pytest.mark.parametrize("name", NEVER)
def test_what_was_no_whole_answer_is_asked_anew(first, impatient, name):
    def behave(call):
        return NEVER[name] if asked(call) == 3 else adds(call)

    with serve(behave) as endpoint:
        experiment = first(endpoint, suite=SUITE | {"max_error_share": 0.5})
        calls = len(endpoint.calls)
        endpoint.behaviour = adds
        further = again(experiment, suite=SUITE | {"max_error_share": 0.5})
        assert {asked(call) for call in endpoint.calls[calls:]} == {3}
    assert reused(further) == {"baseline": EXAMPLES - 1, "candidate": EXAMPLES - 1}
    answers = further.outputs.filter(example_id="q3").values_list("outcome", "text", "reused_from")
    assert set(answers) == {(Outcome.ANSWERED, "4", None)}


def test_an_answer_that_is_too_old_is_not_reused_and_a_reused_one_does_not_make_it_younger(first):
    suite = SUITE | {"cache": {"salt": "a", "max_age_days": 2}}
    with serve(adds) as endpoint:
        experiment = first(endpoint, suite=suite)
        experiment.outputs.update(finished_at=clock.now() - dt.timedelta(days=1.5))
        further = again(experiment, suite=suite)
        assert reused(further) == {"baseline": EXAMPLES, "candidate": EXAMPLES}
        experiment.outputs.update(finished_at=clock.now() - dt.timedelta(days=2.5))
        assert reused(again(experiment, suite=suite)) == {}


def test_an_answer_of_a_model_that_is_no_longer_behind_the_name_is_not_reused(first, people):
    with serve(lambda call: says("1", model="m-2025")) as endpoint:
        experiment = first(endpoint)
        endpoint.behaviour = lambda call: says("1", model="m-2026")
        # Whoever asks there hears it, whatever they evaluate.
        experiments.submitted(
            **people | {"custodian": people["custodian"]},
            base_url=endpoint.base_url,
            name="other",
            examples=10,
        )
        scheduler.drain()
        calls = len(endpoint.calls)
        assert reused(again(experiment)) == {}
        assert len(endpoint.calls) == calls + 2 * EXAMPLES


def test_a_model_that_changes_while_it_is_asked_is_heard_and_told_as_a_deviation(first, monkeypatch):
    with serve(lambda call: says("1", model="m-2025")) as endpoint:
        experiment = first(endpoint, concurrency=1)
        gone = experiment.outputs.order_by("order")[2:4]
        Output.objects.filter(pk__in=[row.pk for row in gone]).update(cache_key=None)
        endpoint.behaviour = lambda call: says("1", model="m-2026")
        further = again(experiment)
    count = sum(reused(further).values())
    assert 0 < count < 2 * EXAMPLES - 2
    assert any("more than one model of itself" in sentence for sentence in further.plan.deviations)


def test_another_component_or_dataset_reuses_nothing(first, people, run):
    with serve(adds) as endpoint:
        experiment = first(endpoint)
        assert reused(run(endpoint, examples=EXAMPLES, suite=SUITE, name="other")) == {}
        # A component of its own that asks the same endpoint the same of the same examples.
        row = experiments.component(people["owner"], people["platform"], name="third", suite=SUITE)
        alike = [
            experiments.component_version(row, people["platform"], version=name, base_url=endpoint.base_url)
            for name in ("v1.1.0", "v1.0.0")
        ]
        third = experiments.asked(*alike, experiment.dataset_version)
        scheduler.drain()
        assert third.outputs.filter(state=OutputState.DONE, reused_from=None).count() == 2 * EXAMPLES
        golden = experiments.dataset_version(people["custodian"], examples=EXAMPLES, slug="likewise")
        assert reused(again(experiment, dataset=golden)) == {}


def test_answers_to_sealed_examples_are_neither_reused_nor_left_for_others(first, people):
    def published(version, **sealed):
        golden = experiment.dataset_version.dataset
        rows = [
            {"id": f"q{n}", "input": f"What is {n} plus 1?", "expected": str(n + 1)} for n in range(EXAMPLES)
        ]
        return publish(golden, version, rows, people["custodian"], **sealed)

    with serve(adds) as endpoint:
        experiment = first(endpoint)
        sealed = published("2.0", looks_allowed=3)
        looked = again(experiment, dataset=sealed)
        assert reused(looked) == {}
        assert not looked.outputs.exclude(cache_key=None).exists()
        # The same examples in a further open version are the same requests.
        assert reused(again(experiment, dataset=published("3.0"))) == {
            "baseline": EXAMPLES,
            "candidate": EXAMPLES,
        }


def publish(dataset, version, rows, custodian, **sealed):
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    draft = ingest.take_in(dataset, version=version, lines=lines, by=custodian, at=clock.now())
    return versions.publish(draft, by=custodian, at=clock.now(), **sealed)
