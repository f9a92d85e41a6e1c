"""Candidate against baseline within each tag: where to look, and never a decision."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from datasets import ingest, versions
from evaltrack import clock
from evaltrack.stats.estimate import Undefined
from experiments import conclusion, slices
from experiments.comparison import compare
from experiments.metrics import REGISTRY
from experiments.models import Arm, SliceResult
from experiments.slices import MOST_TAGS, Measured, sliced
from experiments.suite import MetricRule
from tests.accounts.callers import signed_in
from tests.factories import experiments

EXACT = REGISTRY["exact_match"]


def of(baseline, candidate, tags, metric=EXACT):
    return sliced([Measured(metric, baseline, candidate)], tags, design="paired")[metric.name]


# ── Which tags ───────────────────────────────────────────────────────────────────────────────────────


def test_a_tag_on_few_examples_or_on_all_divides_nothing():
    tags = [("all", "ten") if n < 10 else ("all", "nine") if n < 19 else ("all",) for n in range(40)]
    assert slices.telling(tags) == ["ten"]


def test_a_tag_that_stands_twice_on_an_example_counts_once():
    assert slices.telling([("twice", "twice")] * 6 + [()] * 20) == []


def test_the_most_frequent_tags_are_kept():
    tags = [tuple(f"t{k:02}" for k in range(60) if n < 10 + k) for n in range(100)]
    assert slices.telling(tags) == [f"t{k:02}" for k in range(60 - MOST_TAGS, 60)]


# ── What a slice says ────────────────────────────────────────────────────────────────────────────────


def test_a_loss_in_one_tag_is_found_though_the_whole_is_level():
    tags = [("hard",) if n < 30 else ("easy",) for n in range(60)]
    baseline = [1.0] * 30 + [0.0] * 30
    candidate = [0.0] * 30 + [1.0] * 30
    easy, hard = of(baseline, candidate, tags)
    assert (hard.tag, hard.delta.value, hard.n) == ("hard", -1.0, 30)
    assert (easy.tag, easy.delta.value, easy.n) == ("easy", 1.0, 30)
    assert hard.p_adjusted < 0.001


def test_a_slice_is_what_the_same_examples_would_say_alone():
    rng = np.random.default_rng(1)
    baseline, candidate = (rng.integers(0, 2, 90).astype(float) for _ in range(2))
    tags = [("third",) if n % 3 == 0 else () for n in range(90)]
    (part,) = of(baseline, candidate, tags)
    alone = compare(
        MetricRule("exact_match"),
        EXACT,
        baseline=baseline[::3],
        candidate=candidate[::3],
        design="paired",
        seed=0,
    )
    assert (part.n, part.baseline, part.candidate, part.delta) == (
        alone.n,
        alone.baseline,
        alone.candidate,
        alone.delta,
    )


def test_values_that_are_missing_leave_the_slice():
    baseline, candidate = [1.0] * 20, [None] * 9 + [1.0] * 11
    tags = [("some",) if n < 19 else () for n in range(20)]
    (part,) = of(baseline, candidate, tags)
    assert part.n == 10
    assert of(baseline, [None] * 20, tags) == []


def test_equal_values_have_no_test_and_no_stain_on_the_others():
    tags = [("same",) if n < 20 else ("worse",) for n in range(40)]
    metric = REGISTRY["output_tokens"]
    baseline = [5.0] * 20 + [float(n) for n in range(20)]
    candidate = [5.0] * 20 + [float(n + n % 3 + 1) for n in range(20)]
    same, worse = of(baseline, candidate, tags, metric)
    assert same.delta.value == 0
    assert same.p_adjusted is None
    assert worse.p_adjusted < 0.01


def test_quantiles_are_not_sliced():
    tags = [("x",)] * 20 + [()] * 20
    assert of([1.0] * 40, [2.0] * 40, tags, REGISTRY["latency_p50"]) == []


def test_an_undefined_slice_keeps_its_sentence():
    tags = [("x",)] * 12 + [()] * 12
    found = sliced([Measured(EXACT, [1.0] * 24, [1.0] * 24)], tags, design="paired")["exact_match"]
    assert not isinstance(found[0].delta, Undefined)
    assert found[0].as_json()["delta"]["value"] == 0.0


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_p_values_are_adjusted_over_all_slices_and_metrics(seed, count):
    rng = np.random.default_rng(seed)
    tags = [tuple(f"t{k}" for k in range(count) if rng.random() < 0.5) for _ in range(60)]
    measured = [
        Measured(REGISTRY[name], *(rng.integers(0, 2, 60).astype(float) for _ in range(2)))
        for name in ("exact_match", "accuracy")
    ]
    found = [part for parts in sliced(measured, tags, design="paired").values() for part in parts]
    alone = [
        sliced([each], [tuple(t for t in of_one if t == tag) for of_one in tags], design="paired")
        for each in measured
        for tag in slices.telling(tags)
    ]
    raw = [part.p_adjusted for each in alone for parts in each.values() for part in parts]
    assert [part.p_adjusted for part in found] == pytest.approx(list(false_discovery_control(raw)))


# ── The experiment ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def experiment(people):
    """The candidate is wrong on every example tagged "long", and right on the others."""
    at = clock.now()
    golden = ingest.register(
        slug="tagged",
        name="tagged",
        use_case="",
        sensitivity="internal",
        custodian=people["custodian"],
        by=people["custodian"],
        at=at,
    )
    lines = [
        json.dumps(
            {
                "id": f"q{n}",
                "input": f"{n}?",
                "expected": "yes",
                "tags": ["long" if n % 4 == 0 else "<b>short"],
            }
        )
        for n in range(80)
    ]
    draft = ingest.take_in(
        golden,
        version="1.0",
        lines=[f"{line}\n".encode() for line in lines],
        by=people["custodian"],
        at=at,
    )
    version = versions.publish(draft, by=people["custodian"], at=at)
    row = experiments.component(people["owner"], people["platform"])
    new, old = (experiments.component_version(row, people["platform"], version=v) for v in ("v2", "v1"))
    asked = experiments.asked(new, old, version)
    experiments.answer_all(
        asked,
        lambda arm, output, expected: "no" if arm == Arm.CANDIDATE and output.position % 4 == 0 else expected,
    )
    conclusion.conclude(asked, at=clock.now())
    return asked


def test_slices_are_kept_with_the_comparison(experiment):
    row = SliceResult.objects.get(comparison__experiment=experiment, comparison__metric="exact_match")
    short, long = row.parts
    assert (short["tag"], short["n"], short["delta"]["value"]) == ("<b>short", 60, 0.0)
    assert (long["tag"], long["n"], long["delta"]["value"]) == ("long", 20, -1.0)
    assert not SliceResult.objects.filter(comparison__metric="latency_p50").exists()


def test_the_page_shows_the_largest_loss_first_and_escapes_tags(experiment, people):
    page = signed_in(people["owner"]).get(experiment.get_absolute_url()).content.decode()
    table = page[page.index('id="slices"') :]
    assert table.index("long") < table.index("&lt;b&gt;short")
    assert "<b>short" not in page
    assert "Worse" in table


def test_another_metric_stands_in_the_address_and_an_unknown_one_is_not_found(experiment, people):
    client = signed_in(people["owner"])
    page = client.get(f"{experiment.get_absolute_url()}?slices=token_f1").content.decode()
    assert "token_f1 by tag" in page
    assert client.get(f"{experiment.get_absolute_url()}?slices=latency_p50").status_code == 404


def test_without_telling_tags_there_is_no_section(people):
    found = experiments.measured(**people)
    page = signed_in(people["owner"]).get(found.get_absolute_url()).content.decode()
    assert 'id="slices"' not in page
