"""Labels: the pair of each example, the table, and figures as scikit-learn has them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from evaltrack.errors import Invalid
from evaltrack.stats.estimate import Estimate, Undefined
from experiments import suite
from experiments.comparison import compare, summary
from experiments.metrics import REGISTRY, classification
from experiments.metrics.base import Answered
from experiments.suite import MetricRule
from tests.experiments.metrics.asking import reason, value

LABELS = ["Refund", "Shipping", "Other"]
ASKED = {"parameters": {"labels": LABELS}}
FIGURES = [name for name, metric in REGISTRY.items() if metric.figure]


@pytest.mark.parametrize(
    ("said", "given", "right"),
    [
        ("refund", 0, 1.0),
        ("  The Refund. ", 0, 1.0),
        ("shipping", 1, 0.0),
        ("a refund, I think", classification.NO_LABEL, 0.0),
        ("", classification.NO_LABEL, 0.0),
        (None, classification.NO_LABEL, 0.0),
    ],
)
def test_an_answer_is_the_label_that_it_is_after_normalisation(said, given, right):
    assert value("f1_macro", said, "refund", **ASKED) == given
    assert value("f1_macro", said, {"answer": "Shipping"}, **ASKED) == classification.BASE + given
    assert value("label_accuracy", said, "refund", **ASKED) == right


def test_a_pattern_finds_the_label_in_a_longer_answer():
    asked = {"parameters": {"labels": LABELS, "extract": r"Label:\s*(\w+)"}}
    assert value("label_accuracy", "I think so.\nLabel: refund\n", "refund", **asked) == 1
    assert value("label_accuracy", "refund", "refund", **asked) == 0
    slow = {"parameters": {"labels": LABELS, "extract": "(a|aa)+b"}}
    assert "too long" in reason("label_accuracy", "a" * 60 + "!", "refund", **slow)


def test_an_example_without_a_listed_label_is_undefined_and_says_so():
    assert reason("f1_macro", "refund", "else", **ASKED) == "what is expected is none of the policy's labels"
    assert reason("f1_macro", "refund", None, **ASKED) == "what is expected is none of the policy's labels"
    assert reason("f1_macro", "refund", "refund") == "the policy lists no labels"


@pytest.mark.parametrize(
    "labels",
    [
        None,
        [],
        ["one"],
        ["a", 3],
        ["Refund", "the refund!"],
        ["a", " "],
        "refund",
        [f"l{n}" for n in range(101)],
    ],
)
def test_a_policy_has_to_list_labels_that_differ(labels):
    parameters = {} if labels is None else {"labels": labels}
    with pytest.raises(Invalid) as refused:
        suite.parse({"metrics": [{"metric": "f1_macro", "parameters": parameters}]})
    assert "suite.metrics.0.parameters.labels" in refused.value.fields


def test_a_margin_of_a_figure_is_a_share():
    with pytest.raises(Invalid):
        suite.parse({"metrics": [{"metric": "f1_macro", "margin": 3, "parameters": {"labels": LABELS}}]})


CODES = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([0, 1, 2, 3, classification.NO_LABEL])), min_size=1
)


def by_sklearn(truth, said, name, average):
    """Over the labels that occur; an answer that is none of them is said, and no label to average over."""
    occurring = sorted({*truth, *said} - {classification.NO_LABEL})
    scores = precision_recall_fscore_support(truth, said, labels=occurring, average=average, zero_division=0)
    return dict(zip(("precision", "recall", "f1"), scores, strict=False))[name]


@settings(deadline=None, max_examples=60)
@given(CODES)
def test_every_figure_is_that_of_scikit_learn(rows):
    truth, said = (list(column) for column in zip(*rows, strict=True))
    codes = np.array([t * classification.BASE + s for t, s in rows], dtype=float)
    for name in FIGURES:
        found = summary(REGISTRY[name], codes)
        assert isinstance(found, Estimate)
        assert found.value == pytest.approx(by_sklearn(truth, said, *REGISTRY[name].figure)), name


@settings(deadline=None, max_examples=40)
@given(CODES)
def test_the_table_is_that_of_scikit_learn_with_a_column_for_none(rows):
    truth, said = zip(*rows, strict=True)
    codes = np.array([t * classification.BASE + s for t, s in rows] + [np.nan], dtype=float)
    table = classification.table(codes, 4)
    theirs = confusion_matrix(truth, [min(each, 4) for each in said], labels=range(5))
    assert table.tolist() == theirs[:4].tolist()


def test_a_label_that_is_never_given_counts_nothing_and_one_that_never_occurs_is_left_out():
    # Expected 0 0 1, given 0 0 0: label 1 has precision 0/0 and recall 0; label 2 does not occur.
    codes = np.array([0, 0, classification.BASE], dtype=float)
    assert summary(REGISTRY["precision_macro"], codes).value == pytest.approx((2 / 3 + 0) / 2)
    assert summary(REGISTRY["recall_macro"], codes).value == pytest.approx((1 + 0) / 2)
    assert summary(REGISTRY["f1_micro"], codes).value == pytest.approx(2 / 3)


def sides(n: int, seed: int = 1):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    ours, theirs = (np.where(rng.random(n) < right, truth, rng.integers(0, 3, n)) for right in (0.9, 0.5))
    return (truth * classification.BASE + ours).astype(float), (truth * classification.BASE + theirs).astype(
        float
    )


def compared(ours, theirs, metric="f1_macro", **given):
    rule = MetricRule(metric, margin=0.05, parameters={"labels": LABELS})
    return compare(
        rule, REGISTRY[metric], candidate=ours, baseline=theirs, **{"design": "paired", "seed": 1, **given}
    )


@pytest.mark.parametrize("metric", FIGURES)
def test_a_better_arm_is_seen_to_be_better_and_a_worse_one_worse(metric):
    ours, theirs = sides(400)
    assert compared(ours, theirs, metric).delta.ci_low > 0
    worse = compared(theirs, ours, metric)
    assert worse.delta.ci_high < -0.05
    assert worse.p_worse < 0.01


def test_labels_are_compared_on_the_same_examples_only():
    found = compared(*sides(400), design="independent")
    assert isinstance(found.delta, Undefined)
    assert found.p_worse is None


def test_examples_of_one_group_are_not_as_many_independent_ones():
    ours, theirs = sides(200)
    repeated = [np.repeat(side, 4) for side in (ours, theirs)]
    alone = compared(ours, theirs).delta
    grouped = compared(*repeated, groups=np.repeat(np.arange(200), 4)).delta
    naive = compared(*repeated).delta
    width = [each.ci_high - each.ci_low for each in (alone, grouped, naive)]
    assert width[1] == pytest.approx(width[0], rel=0.1)
    assert width[2] < 0.7 * width[0]
    assert grouped.clusters == 200


def test_figures_of_runs_are_not_watched_answer_by_answer():
    answered = Answered("", "refund", "refund", parameters={"labels": LABELS})
    assert REGISTRY["f1_macro"].of(answered) == 0.0
    assert not REGISTRY["f1_macro"].adds_up
