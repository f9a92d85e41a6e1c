"""Examples without a value: the reason is kept, counted, shown, and recomputed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltrack import clock
from evaltrack.stats.estimate import Undefined
from experiments import conclusion, gaps
from experiments.models import Arm, Experiment, MetricResult
from experiments.recomputation import recompute
from tests.accounts.callers import signed_in
from tests.factories import experiments

REASONS = [Undefined("one"), Undefined("two")]


@given(st.lists(st.sampled_from([0.0, 1.0, *REASONS]), max_size=60))
def test_every_place_keeps_its_reason(values):
    kept = json.loads(json.dumps(gaps.of(values)))
    for place, value in enumerate(values):
        assert gaps.reason_at(kept, place) == (value.reason if isinstance(value, Undefined) else "")
    assert sum(gaps.counts(kept).values()) == sum(isinstance(value, Undefined) for value in values)
    assert gaps.numbers(values) == [None if isinstance(value, Undefined) else value for value in values]


def test_a_long_run_of_one_reason_is_two_numbers():
    assert gaps.of([REASONS[0]] * 100_000) == {"one": [[0, 99_999]]}


def test_gaps_in_words():
    values = [1.0, REASONS[0], REASONS[1], REASONS[1]]
    assert gaps.in_words(gaps.of(values), 4) == "undefined for 3 of 4 examples: two (2); one (1)"
    assert gaps.in_words(gaps.of(values[:2]), 2) == "undefined for 1 of 2 examples: one"
    assert gaps.in_words({}, 4) == gaps.in_words(None, 4) == ""


LABELS = ["refund", "shipping"]
SUITE = {
    "metrics": [
        {"metric": "numeric_match", "role": "gating", "margin": 0.05},
        {"metric": "f1_macro", "role": "secondary", "parameters": {"labels": LABELS}},
        {"metric": "recall_macro", "role": "secondary", "parameters": {"labels": LABELS}},
        {"metric": "group_gap", "role": "secondary", "parameters": {"groups": ["a", "b"]}},
    ]
}
# By position: a number, then labels, and in every third place of a group.
ROWS = [
    {"expected": str(n) if n < 40 else LABELS[n % 2], "metadata": {"group": "ab"[n % 2]} if n % 3 else {}}
    for n in range(100)
]


@pytest.fixture
def experiment(people) -> Experiment:
    """Forty numbers and sixty labels; the candidate is right, the baseline says refund to every third example."""
    row = experiments.component(people["owner"], people["platform"], suite=SUITE)
    rows = [{"id": f"q{n:03}", "input": "x", **body} for n, body in enumerate(ROWS)]
    golden = experiments.published(people["custodian"], rows, slug="mixed")
    candidate, baseline = (
        experiments.component_version(row, people["platform"], version=name) for name in ("v1.1.0", "v1.0.0")
    )
    asked = experiments.asked(candidate, baseline, golden)
    experiments.answer_all(
        asked,
        lambda arm, output, expected: (
            "refund" if arm == Arm.BASELINE and output.position % 3 == 0 else expected
        ),
    )
    conclusion.conclude(asked, at=clock.now())
    return Experiment.objects.with_names().get(pk=asked.pk)


def stored(experiment: Experiment, metric: str, arm: str = "candidate") -> MetricResult:
    return MetricResult.objects.get(run__experiment=experiment, run__arm=arm, metric=metric)


def test_the_reasons_are_stored_beside_the_values(experiment):
    assert stored(experiment, "numeric_match").undefined == {"the reference has no number": [[40, 99]]}
    assert stored(experiment, "f1_macro").undefined == {
        "what is expected is none of the policy's labels": [[0, 39]]
    }
    row = stored(experiment, "group_gap")
    assert sum(gaps.counts(row.undefined).values()) == 34
    assert gaps.reason_at(row.undefined, 3)


def test_a_reason_that_was_altered_is_found(experiment):
    assert recompute(experiment).findings == ()
    row = stored(experiment, "numeric_match")
    MetricResult.objects.filter(pk=row.pk).update(undefined={"the reference has no number": [[41, 99]]})
    assert "what is stored as undefined" in " ".join(recompute(experiment).findings)


def test_runs_from_before_there_were_reasons_are_still_recomputed(experiment):
    MetricResult.objects.update(undefined=None)
    assert recompute(experiment).findings == ()


def test_the_page_says_for_how_many_examples_there_is_no_value_and_why(experiment, people):
    page = signed_in(people["owner"]).get(experiment.get_absolute_url()).content.decode()
    assert "undefined for 60 of 100 examples: the reference has no number" in page
    assert page.count("Both arms: undefined for 40 of 100") == 2


def test_the_table_of_labels_stands_on_the_page_once(experiment, people):
    page = signed_in(people["owner"]).get(experiment.get_absolute_url()).content.decode()
    assert page.count('class="confusion"') == 2
    assert "Of f1_macro and recall_macro" in page
    # Sixty labels; of thirty that are "shipping" the baseline calls ten a refund.
    assert '<td class="num share-2">10</td><td class="num share-4 right">20' in page
    assert ">None</th>" not in page


def test_an_example_says_why_it_has_no_value(experiment, people):
    browser = signed_in(people["owner"])
    address = f"{experiment.get_absolute_url()}examples/"
    page = browser.get(address, {"metric": "numeric_match", "group": "undefined"}).content.decode()
    assert page.count("No value: the reference has no number.") == 20  # ten examples of two arms
    worse = browser.get(address, {"metric": "f1_macro", "group": "better"}).content.decode()
    assert "wrong</span>" in worse
    assert "right</span>" in worse


def test_the_api_counts_them(experiment, people):
    body = signed_in(people["owner"]).get(f"/api/v1/experiments/{experiment.public_id}").json()
    assert body["undefined"]["numeric_match"] == {
        arm: {"the reference has no number": 60} for arm in ("baseline", "candidate")
    }
