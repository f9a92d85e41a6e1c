"""What a gate policy's body may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltrack.errors import Invalid
from experiments import suite
from experiments.suite import HumanRule, MetricRule, Suite

METRIC = {"metric": "exact_match", "role": "gating", "margin": 0.02}
HUMAN = {"items": 20, "overlap": 2}


def test_a_suite_is_read_with_its_defaults():
    parsed = suite.parse({"metrics": [{"metric": "exact_match"}]})
    assert parsed == Suite((MetricRule("exact_match", "gating", 0.0),), "paired", 0.05, None)


def test_what_was_read_is_read_again_the_same():
    parsed = suite.parse({"metrics": [METRIC], "human": {**HUMAN, "proxy": "exact_match"}})
    assert suite.parse(parsed.as_json()) == parsed


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"metrics": []}, "suite.metrics", "is missing"),
        ({"metrics": "accuracy"}, "suite.metrics", "is missing"),
        ({"metrics": ["accuracy"]}, "suite.metrics.0.metric", "is unknown; known are accuracy"),
        ({"metrics": [{"metric": "beauty"}]}, "suite.metrics.0.metric", "is unknown; known are accuracy"),
        ({"metrics": [{"metric": ["accuracy"]}]}, "suite.metrics.0.metric", "is unknown"),
        ({"metrics": [METRIC, METRIC]}, "suite.metrics.1.metric", "stands twice"),
        ({"metrics": [METRIC] * 31}, "suite.metrics", "are more than 30"),
        ({"metrics": [{**METRIC, "role": "boss"}]}, "suite.metrics.0.role", "must be one of gating"),
        ({"metrics": [{**METRIC, "margin": -1}]}, "suite.metrics.0.margin", "must be a number from 0"),
        ({"metrics": [{**METRIC, "margin": "2 %"}]}, "suite.metrics.0.margin", "must be a number from 0"),
        ({"metrics": [{**METRIC, "margin": True}]}, "suite.metrics.0.margin", "must be a number from 0"),
        ({"metrics": [{**METRIC, "maring": 0.1}]}, "suite.metrics.0.maring", "is unknown"),
        ({"metrics": [{**METRIC, "parameters": 5}]}, "suite.metrics.0.parameters", "must be an object"),
        (
            {"metrics": [{**METRIC, "metric": "format_compliance", "parameters": {"pattern": "["}}]},
            "suite.metrics.0.parameters.pattern",
            "must be a regular expression",
        ),
        (
            {"metrics": [{**METRIC, "metric": "token_f1", "parameters": {"strip": 5}}]},
            "suite.metrics.0.parameters.strip",
            "must be a regular expression",
        ),
        (
            {"metrics": [{**METRIC, "metric": "accuracy", "parameters": {"abstention": 5}}]},
            "suite.metrics.0.parameters.abstention",
            "must be a text",
        ),
        (
            {"metrics": [{**METRIC, "role": "secondary"}]},
            "suite.metrics",
            "need at least one with the role gating",
        ),
        ({"alhpa": 0.05}, "suite.alhpa", "is unknown"),
        ({"alpha": 0.5}, "suite.alpha", "must be a number from 0.0001 to 0.2"),
        ({"looks": True}, "suite.looks", 'must be an object, such as {"to": "extended"'),
        ({"looks": {"until": "extended"}}, "suite.looks.until", "is unknown"),
        ({"looks": {"to": "smoke"}}, "suite.looks.to", "must be one of extended, standard"),
        ({"looks": {"spending": "all"}}, "suite.looks.spending", "must be one of pocock, obrien-fleming"),
        ({"metrics": [{**METRIC, "minimum_n": -1}]}, "suite.metrics.0.minimum_n", "must be a number from 0"),
        ({"metrics": [{**METRIC, "margin": 3}]}, "suite.metrics.0.margin", "must be a number from 0 to 0.99"),
        ({"design": "crossed"}, "suite.design", "must be one of paired, independent"),
        ({"max_error_share": 2}, "suite.max_error_share", "must be a number from 0 to 1"),
        ({"human": []}, "suite.human", "must be an object"),
        ({"human": {"itmes": 5}}, "suite.human.itmes", "is unknown"),
        ({"human": {"items": 0}}, "suite.human.items", "must be a number from 1 to 100000"),
        ({"human": {"proxy": "accuracy"}}, "suite.human.proxy", "must be one of the suite's metrics"),
        ({"human": {"proxy": ["exact_match"]}}, "suite.human.proxy", "must be one of the suite's metrics"),
        ({"human": {"required": ["hihg_risk"]}}, "suite.human.required", "must be a list of high_risk"),
        ({"human": {"required": "high_risk"}}, "suite.human.required", "must be a list of high_risk"),
        ({"human": {"required": 5}}, "suite.human.required", "must be a list of high_risk"),
        ({"human": {"coefficient": "luck"}}, "suite.human.coefficient", "must be one of preference_kappa"),
        ({"human": {"floor": 2}}, "suite.human.floor", "must be a number from -1 to 1"),
    ],
)
def test_a_bad_field_is_named(change, field, sentence):
    with pytest.raises(Invalid) as bad:
        suite.parse({"metrics": [METRIC], **change})
    assert bad.value.code == "bad_suite"
    assert sentence in bad.value.fields[field][0]


@pytest.mark.parametrize("body", [None, [], "default", 5])
def test_what_is_no_object_shows_how_to_write_one(body):
    with pytest.raises(Invalid, match='suite needs "metrics", a list such as'):
        suite.parse(body)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ["metrics", "alpha", "looks", "design", "max_error_share", "human"]


@given(
    st.dictionaries(st.sampled_from(FIELDS), anything, max_size=4),
    st.dictionaries(st.sampled_from(["metric", "role", "margin", "parameters"]), anything, max_size=3),
    st.dictionaries(st.sampled_from(list(HumanRule.__dataclass_fields__)), anything, max_size=3),
)
def test_whatever_somebody_sends_is_a_suite_or_an_error_that_says_why(body, rule, human):
    for sent in (body, {"metrics": [METRIC, rule]}, {"metrics": [METRIC], "human": human}):
        assert suite_or_complaint(sent)


def suite_or_complaint(sent):
    try:
        return suite.parse(sent)
    except Invalid as error:
        return error.fields


@pytest.mark.parametrize(
    ("risk", "candidate", "baseline", "needed"),
    [
        ("low", "v1.1.0", "v1.0.0", False),
        ("high", "v1.1.0", "v1.0.0", True),
        ("low", "v2.0.0", "v1.9.0", True),
        ("low", "2.0", "v2.1", False),
        ("low", "blue", "green", True),
    ],
)
def test_people_are_asked_about_high_risk_and_new_major_versions(risk, candidate, baseline, needed):
    rules = suite.parse({"metrics": [METRIC], "human": HUMAN})
    assert suite.needs_people(rules, risk=risk, candidate=candidate, baseline=baseline) is needed


def test_a_suite_without_people_never_asks_them():
    rules = suite.parse({"metrics": [METRIC]})
    assert not suite.needs_people(rules, risk="high", candidate="v2.0.0", baseline="v1.0.0")
