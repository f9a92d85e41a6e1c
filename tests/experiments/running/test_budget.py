"""A budget is reserved before each call, and never overdrawn."""

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from datasets import sampling
from evaltrack import clock
from evaltrack.errors import Conflict, Invalid, Refused
from experiments import extension, pricing, submission
from experiments.models import Experiment, ExperimentStatus, Outcome, OutputState, Price
from experiments.running import budget, scheduler
from experiments.tariff import Tariff
from tests.endpoint import HANGS_UP, adds, asked, fails, serve
from tests.experiments.running.test_scheduler import in_threads, outcomes
from tests.factories import experiments

# A dollar for each million tokens in, ten out: an answer of the test's endpoint takes 8 and 1, and costs 18.
TARIFF = Tariff(1_000_000, 10_000_000, None, 4)
COST = 18


@pytest.fixture
def priced(people):
    """What both versions of the factory cost."""
    for model in ("v1.0.0", "v1.1.0"):
        pricing.state(
            model=model,
            tariff=TARIFF,
            valid_from=clock.now() - dt.timedelta(days=1),
            by=people["platform"],
            at=clock.now(),
        )


def capped(people, endpoint, micro, **given) -> Experiment:
    first = experiments.submitted(**people, base_url=endpoint.base_url, **given)
    question = submission.question_of(first)
    submission.cancel(first, by=people["owner"], at=clock.now())
    question = submission.Question(**{**vars(question), "budget_micro": micro})
    return submission.submit(question, by=people["owner"], at=clock.now())


def drained(experiment) -> Experiment:
    scheduler.drain()
    return Experiment.objects.get(pk=experiment.pk)


@pytest.mark.django_db
def test_a_budget_that_is_enough_changes_nothing_and_what_was_spent_is_known(people, priced, impatient):
    with serve(adds) as endpoint:
        experiment = drained(capped(people, endpoint, 1_000_000, examples=10))
    assert experiment.status == ExperimentStatus.DECIDED
    assert experiment.committed_micro == 20 * COST
    cost = pricing.cost_of(experiment)
    assert (cost.spent, cost.unknown, cost.answered) == (20 * COST, 0, 20)


@pytest.mark.django_db
def test_a_budget_is_never_overdrawn_and_what_was_not_asked_says_why(people, priced, impatient):
    with serve(adds) as endpoint:
        experiment = drained(capped(people, endpoint, 600, examples=30))
        assert len(endpoint.calls) < 60
    found = outcomes(experiment)
    assert found[Outcome.ANSWERED] == len(endpoint.calls) > 0
    assert found[Outcome.SKIPPED_BY_BUDGET] == 60 - len(endpoint.calls)
    assert experiment.committed_micro == len(endpoint.calls) * COST <= 600
    assert experiment.status == ExperimentStatus.UNDECIDED
    assert "the budget was spent before this could be asked" in experiment.reason


@pytest.mark.django_db
def test_a_budget_for_no_single_call_asks_nothing(people, priced, impatient):
    with serve(adds) as endpoint:
        experiment = drained(capped(people, endpoint, 10, examples=10))
    assert endpoint.calls == []
    assert outcomes(experiment) == {Outcome.SKIPPED_BY_BUDGET: 20}


@pytest.mark.django_db
def test_what_may_have_been_paid_for_stays_reserved_and_what_was_refused_does_not(people, priced, impatient):
    def behave(call):
        return HANGS_UP if asked(call) == 3 and call.nth == 1 else fails(400, on={5})(call)

    with serve(behave) as endpoint:
        experiment = drained(capped(people, endpoint, 1_000_000, examples=20))
    # The two calls that broke off were each asked again; the two that were refused cost nothing.
    answered = outcomes(experiment)[Outcome.ANSWERED]
    assert answered == 38
    assert experiment.committed_micro > answered * COST
    assert experiment.committed_micro < answered * COST + 2 * 500


@pytest.mark.django_db(transaction=True)
def test_two_workers_together_keep_to_the_budget(people, priced, impatient):
    with serve(adds, latency_s=0.01) as endpoint:
        experiment = capped(people, endpoint, 1_500, examples=60, concurrency=4)
        in_threads(scheduler.drain, scheduler.drain)
        experiment = drained(experiment)
    assert experiment.committed_micro <= 1_500
    assert len(endpoint.calls) * COST <= 1_500
    assert not experiment.outputs.exclude(state=OutputState.DONE).exists()


@pytest.mark.django_db
def test_without_a_price_or_a_limit_of_output_a_budget_is_refused(people):
    with serve(adds) as endpoint:
        with pytest.raises(Refused) as refused:
            capped(people, endpoint, 1_000, name="unpriced")
        assert refused.value.code == "price_unknown"
        for model in ("v1.0.0", "v1.1.0"):
            pricing.state(
                model=model,
                tariff=Tariff(1, 1),
                valid_from=clock.now(),
                by=people["platform"],
                at=clock.now(),
            )
        with pytest.raises(Refused) as refused:
            capped(people, endpoint, 1_000, name="unlimited")
        assert refused.value.code == "output_unlimited"


@pytest.mark.django_db
def test_reserving_takes_the_first_that_fit(people, priced):
    experiment = experiments.submitted(**people)
    Experiment.objects.filter(pk=experiment.pk).update(budget_micro=10)
    assert budget.reserve(experiment, [4, 4, 4]) == 2
    assert budget.reserve(experiment, [4]) == 0
    assert budget.reserve(experiment, [2]) == 1
    budget.change(experiment, -6)
    assert budget.reserve(experiment, [6, 1]) == 1


@pytest.mark.django_db
def test_a_price_that_came_before_the_plan_and_bounds_nothing_ends_the_experiment_with_a_reason(
    people, priced, impatient
):
    with serve(adds) as endpoint:
        experiment = capped(people, endpoint, 1_000_000, examples=10)
        for model in ("v1.0.0", "v1.1.0"):
            pricing.state(
                model=model,
                tariff=Tariff(1, 1),
                valid_from=clock.now(),
                by=people["platform"],
                at=clock.now(),
            )
        experiment = drained(experiment)
    assert endpoint.calls == []
    assert experiment.status == ExperimentStatus.UNDECIDED
    assert "no budget can be kept" in experiment.reason


# Prices


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host", ["api.example.org:8080", "https://api.example.org", "a/b", "a b", "[::1]", "@"]
)
def test_a_price_for_what_is_no_host_is_refused_because_it_would_never_be_found(people, host):
    with pytest.raises(Invalid, match="is no host"):
        stated_for(people, host)
    assert not Price.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("host", "kept"), [("API.Example.org", "api.example.org"), ("::1", "::1"), ("", "")])
def test_a_host_is_kept_as_addresses_have_it(people, host, kept):
    assert stated_for(people, host).host == kept


def stated_for(people, host):
    return pricing.state(
        model="m",
        host=host,
        tariff=Tariff(1, 2),
        valid_from=clock.now(),
        by=people["platform"],
        at=clock.now(),
    )


@pytest.mark.django_db
def test_a_later_price_replaces_an_earlier_one_and_a_host_has_its_own(people):
    at, day = clock.now(), dt.timedelta(days=1)

    def stated(dollars, since, host=""):
        pricing.state(
            model="v1.0.0",
            host=host,
            tariff=Tariff(dollars, 0),
            valid_from=since,
            by=people["platform"],
            at=at,
        )

    stated(1, at - 2 * day)
    stated(2, at - day)
    stated(9, at + day)
    target = pricing.targets.parse(experiments.submitted(**people).baseline.configuration)
    assert pricing.in_force(target, at=at).input_micro == 2
    assert pricing.in_force(target, at=at - day * 1.5).input_micro == 1
    assert pricing.in_force(target, at=at - 3 * day) is None
    stated(5, at - 2 * day, host="127.0.0.1")
    assert pricing.in_force(target, at=at).input_micro == 5


@pytest.mark.django_db
def test_a_price_is_stated_once_and_never_changed(people):
    at = clock.now()
    asked_for = {"model": "m", "valid_from": at, "by": people["platform"], "at": at}
    first = pricing.state(tariff=Tariff(1, 2), **asked_for)
    assert pricing.state(tariff=Tariff(1, 2), **asked_for) == first
    with pytest.raises(Conflict):
        pricing.state(tariff=Tariff(1, 3), **asked_for)
    assert Price.objects.count() == 1


@pytest.mark.django_db
def test_a_model_owner_states_no_price(people):
    with pytest.raises(Refused):
        pricing.state(
            model="m", tariff=Tariff(1, 2), valid_from=clock.now(), by=people["owner"], at=clock.now()
        )


@pytest.mark.django_db
def test_an_estimate_comes_from_what_the_version_has_cost(people, priced, impatient):
    with serve(adds) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, examples=10)
        assert pricing.expected(experiment) is None
        scheduler.drain()
    assert pricing.expected(experiment) == 20 * COST


@pytest.mark.django_db
def test_an_estimate_counts_repeats_and_not_what_an_extension_keeps(people, priced, impatient, monkeypatch):
    monkeypatch.setitem(sampling.TIER_SIZES, "standard", 10)
    suite = {**experiments.SUITE, "repeats": 3, "looks": {"to": "extended"}}
    with serve(adds) as endpoint:
        first = experiments.submitted(**people, base_url=endpoint.base_url, examples=30, suite=suite)
        scheduler.drain()
    assert pricing.expected(first) == 2 * 10 * 3 * COST
    larger = extension.extend(
        Experiment.objects.get(pk=first.pk), tier="extended", by=people["owner"], at=clock.now()
    )
    assert pricing.expected(larger) == 2 * 20 * 3 * COST


@pytest.mark.django_db
def test_an_estimate_reads_few_answers_however_many_there_are(people, priced, impatient):
    """It stands on the page of each experiment that is under way."""
    with serve(adds) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, examples=10)
        scheduler.drain()
    with CaptureQueriesContext(connection) as asked_for:
        pricing.expected(experiment)
    of_outputs = [each["sql"] for each in asked_for if 'FROM "experiments_output"' in each["sql"]]
    assert len(of_outputs) == 2
    assert all('"run_id" =' in sql and "LIMIT 500" in sql and "ORDER BY" not in sql for sql in of_outputs)
