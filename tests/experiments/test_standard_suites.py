"""The suites that every installation knows, and what a policy asks for before a promotion."""

import pytest

from evaltrack import clock
from evaltrack.errors import Invalid, NotFound, Refused
from experiments import promotion, registration, standard_suites, suite
from experiments.metrics import REGISTRY
from experiments.models import GatePolicy
from tests.factories import experiments


@pytest.mark.parametrize("name", standard_suites.SUITES)
def test_each_is_a_suite_and_no_metric_of_it_needs_a_parameter(name):
    rules = suite.parse(standard_suites.SUITES[name])
    assert any(rule.role == "gating" for rule in rules.metrics)
    assert all(not REGISTRY[rule.metric].needs for rule in rules.metrics)


@pytest.mark.django_db
def test_a_standard_suite_comes_into_force_when_it_is_first_used(owner):
    first = registration.policy_named("standard-rag", by=owner, at=clock.now())
    again = registration.policy_named("standard-rag", by=owner, at=clock.now())
    assert (first.version, again.pk, GatePolicy.objects.count()) == (1, first.pk, 1)


@pytest.mark.django_db
def test_a_policy_of_the_same_name_takes_its_place(owner, platform):
    ours = registration.activate_policy("standard-rag", experiments.SUITE, by=platform, at=clock.now())
    assert registration.policy_named("standard-rag", by=owner, at=clock.now()) == ours


@pytest.mark.django_db
def test_an_unknown_suite_is_told_what_there_is(owner):
    with pytest.raises(NotFound) as missing:
        registration.policy_named("standard-everything", by=owner, at=clock.now())
    assert "standard-rag" in missing.value.reason


# What an environment asks for


def body(**rule) -> dict:
    return {**experiments.SUITE, "promotion": {"production": rule}}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"tier": "extended"}, "on the extended tier"),
        ({"examples": 1000}, "on 1,000 examples at least"),
        ({"tier": "standard", "examples": 30}, ""),
    ],
)
def test_a_promotion_needs_the_tier_and_the_examples_that_the_policy_asks_for(people, rule, sentence):
    experiment = experiments.measured(**people, suite=body(**rule))

    def request(environment):
        return promotion.request(
            experiment,
            environment=environment,
            reason="better on every example",
            by=people["owner"],
            at=clock.now(),
        )

    if sentence:
        with pytest.raises(Refused) as refused:
            request("production")
        assert refused.value.code == "tier_too_small"
        assert sentence in refused.value.reason
        # Of the other environment it asks for nothing more.
        request("staging")
    else:
        request("production")


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"production": {"tier": "smoke"}}, "suite.promotion.production.tier"),
        ({"production": {"examples": -1}}, "suite.promotion.production.examples"),
        ({"production": 5}, "suite.promotion.production"),
        ({"moon": {}}, "suite.promotion.moon"),
        ([], "suite.promotion"),
    ],
)
def test_a_rule_that_is_none_is_located(given, path):
    with pytest.raises(Invalid) as bad:
        suite.parse({**experiments.SUITE, "promotion": given})
    assert list(bad.value.fields) == [path]
