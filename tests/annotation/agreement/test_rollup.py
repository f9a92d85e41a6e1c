"""Sums that follow the judgments: at any time they are those of all judgments read again, and so is every figure."""

import random

import pytest
from django.db import connection

from annotation import assignment, campaigns, judging, revision
from annotation.agreement import figures, heat, live, pairs, parts, rollup, tally
from annotation.agreement.tally import Tally
from annotation.jobs import roll_up_agreement
from annotation.models import AgreementPair, AgreementState, Judgment, Task
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.stats.estimate import Estimate, Undefined
from tests.accounts.callers import bearer, signed_in
from tests.annotation.together import together
from tests.factories import annotation as factory

STRATA = ("short", "long & <b>odd</b>", "")
CRITERIA = [{"id": "tone", "question": "Which is more polite?"}]


@pytest.fixture
def three(both, evaluator_three):
    return [*both, evaluator_three]


@pytest.fixture
def many(lead):
    """Five items, each with the answers of two systems, and three judgments of each."""
    rubric = {"name": "r", "question": "Which?", "guidance": "", "criteria": CRITERIA}
    campaign = factory.stand_alone("pairwise", lead=lead, items=5, overlap=3, rubric=rubric)
    of_strata(campaign, STRATA)
    return campaign


def of_strata(campaign, names):
    """Its tasks take turns."""
    for number, task in enumerate(campaign.tasks.order_by("pk")):
        Task.objects.filter(pk=task.pk).update(stratum=names[number % len(names)])


@pytest.fixture
def from_sums(monkeypatch):
    """Campaigns are as large as they would have to be."""
    monkeypatch.setattr(live, "READ_UP_TO", 0)


def judge_some(evaluators, chance, most=4):
    for evaluator in evaluators:
        for _ in range(chance.randint(1, most)):
            if shown := factory.next_for(evaluator):
                asked = shown.campaign.rubric.body.get("criteria")
                answers = {"tone": chance.choice([1, 2, "tie"])} if asked else {}
                factory.judge(shown, chance.choice([1, 2, 1, 2, "tie", "both_bad"]), answers=answers)


def stored(campaign):
    state = AgreementState.objects.get(campaign=campaign)
    rows = AgreementPair.objects.filter(campaign=campaign).order_by("one", "other")
    return state.body, [(row.one_id, row.other_id, row.table, row.n, row.kappa) for row in rows]


def strata(campaign):
    return AgreementState.objects.get(campaign=campaign).body["strata"]


def from_all(campaign):
    """The sums as they are when all judgments are read."""
    rollup.forget(campaign.pk)
    rollup.roll_up(campaign.pk, at=clock.now())
    return stored(campaign)


@pytest.mark.parametrize("seed", range(5))
def test_counted_little_by_little_the_sums_are_those_of_all_judgments_read_again(many, three, seed):
    chance = random.Random(seed)
    for _ in range(4):
        judge_some(three, chance)
        factory.the_minute_passes()
        if chance.random() < 0.7:
            roll_up_agreement()
    roll_up_agreement()
    little_by_little = stored(many)
    assert AgreementState.objects.get().n_judgments == Judgment.objects.count()
    assert set(strata(many)) == set(STRATA[:2])
    assert not rollup.uncounted(many).exists()
    assert from_all(many) == little_by_little


def test_in_batches_too(many, three, monkeypatch):
    monkeypatch.setattr(rollup, "BATCH", 2)
    roll_up_agreement()
    judge_some(three, random.Random(1), most=5)
    factory.the_minute_passes()
    AgreementState.objects.update_or_create(campaign=many, defaults={"is_stale": False, "n_when_read": 1_000})
    assert rollup.roll_up(many.pk, at=clock.now()) == Judgment.objects.count() > 4
    assert from_all(many) == stored(many)


def test_once_strata_are_too_many_they_stay_so_until_all_is_read_again(many, three, lead, monkeypatch):
    monkeypatch.setattr(tally, "MOST_STRATA", 2)
    monkeypatch.setattr(parts, "MOST_STRATA", 2)
    of_strata(many, ["a", "b", "c", "", "a"])
    seen = []
    for _ in range(12):
        if shown := factory.next_for(three[len(seen) % 3]):
            factory.judge(shown, 1, answers={"tone": 1})
        factory.the_minute_passes()
        roll_up_agreement()
        named = set(many.tasks.filter(judgments__isnull=False).values_list("stratum", flat=True))
        assert (strata(many) is None) == (len(named - {""}) > 2)
        little_by_little = stored(many)
        assert from_all(many) == little_by_little
        told = figures.of(many, at=clock.now()).as_json(name_of=figures.pseudonym)
        assert told["too_many_strata"] == (strata(many) is None)
        seen.append(strata(many) is None)
    assert (seen[0], seen[-1]) == (False, True)
    of_strata(many, ["a"])
    assert set(from_all(many)[0]["strata"]) == {"a"}


FIGURES = ("percent_agreement", "fleiss_kappa", "krippendorff_alpha", "gwet_ac1", "preference_kappa")


def as_told(found):
    body = found.as_json(name_of=figures.pseudonym)
    body["inter"] = {name: body["inter"][name] for name in FIGURES}
    body["by_question"] = {
        question: {name: said[name] for name in FIGURES} for question, said in body["by_question"].items()
    }
    for row in body["parts"]:
        row["agreement"] = {name: row["agreement"][name] for name in FIGURES}
    return body


@pytest.mark.parametrize("counted", ["none", "some", "all"])
def test_every_figure_is_that_of_the_judgments_themselves_at_once(many, three, from_sums, counted):
    """Counted or not: what nobody can take back any more is in the figures at that moment."""
    chance = random.Random(7)
    judge_some(three, chance, most=2)
    factory.the_minute_passes()
    if counted != "none":
        roll_up_agreement()
    judge_some(three, chance, most=2)
    factory.the_minute_passes()
    if counted == "all":
        roll_up_agreement()
    now = clock.now()
    found = figures.of(many, at=now)
    assert isinstance(found, live.Findings)
    expected = figures.of_pairs(many, figures.counted(many, at=now))
    assert as_told(found) == as_told(expected)
    told = [(row["kind"], row["name"]) for row in as_told(found)["parts"]]
    assert told == [("criterion", "tone"), ("stratum", STRATA[1]), ("stratum", STRATA[0])]
    one, other = found.cohen_kappa, expected.cohen_kappa
    assert isinstance(one, Undefined) == isinstance(other, Undefined)
    if isinstance(one, Estimate):
        assert (one.value, one.n, one.clusters) == pytest.approx((other.value, other.n, other.clusters))
    assert (found.cohen.pairs, found.cohen.pairs_undefined) == (
        expected.cohen.pairs,
        expected.cohen.pairs_undefined,
    )


def test_of_an_experiment_too_and_when_it_is_closed(campaign, both, lead, from_sums):
    of_strata(campaign, ["hard", "easy", "easy"])
    judge_some(both, random.Random(3), most=6)
    factory.judge_everything(both, factory.prefers_candidate)
    roll_up_agreement()
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    campaign.refresh_from_db()
    found = figures.of(campaign, at=clock.now())
    assert isinstance(found, live.Findings)
    assert found.is_final
    expected = as_told(figures.of_pairs(campaign, figures.counted(campaign, at=clock.now())))
    assert as_told(found) == expected
    easy, hard = expected["parts"]
    assert (easy["n_items"], hard["n_items"], easy["n_judgments"]) == (4, 2, 8)
    assert sum(easy["counts"].values()) == 8
    whole = expected["net_preference"]["value"]
    parts = [row["net_preference"]["value"] * row["n_judgments"] for row in (easy, hard)]
    assert sum(parts) / 12 == pytest.approx(whole)


def test_what_can_be_undone_counts_when_it_cannot(many, three, from_sums):
    judge_some(three[:2], random.Random(2), most=5)
    factory.the_minute_passes()
    roll_up_agreement()
    before = figures.of(many, at=clock.now()).n_judgments
    last = factory.judge(factory.next_for(three[2]), "tie", answers={"tone": 1})
    roll_up_agreement()
    assert figures.of(many, at=clock.now()).n_judgments == before
    judging.undo(last.public_id, by=last.evaluator, at=clock.now())
    factory.the_minute_passes()
    roll_up_agreement()
    assert figures.of(many, at=clock.now()).n_judgments == before
    assert from_all(many) == stored(many)


def test_looking_writes_nothing(many, three, lead, from_sums):
    judge_some(three, random.Random(2), most=3)
    factory.the_minute_passes()
    rows = (Judgment.objects.filter(is_counted=True).count(), AgreementState.objects.count())
    body = bearer(lead, Permission.VIEW_CAMPAIGNS).get(f"/api/v1/campaigns/{many.public_id}/agreement").json()
    assert body["n_judgments"] == Judgment.objects.count() > 0
    assert (
        (Judgment.objects.filter(is_counted=True).count(), AgreementState.objects.count()) == rows == (0, 0)
    )


def test_what_is_asked_again_leaves_the_sums(many, three, lead, from_sums):
    judge_some(three, random.Random(2), most=5)
    factory.the_minute_passes()
    roll_up_agreement()
    assert figures.of(many, at=clock.now()).n_judgments > 0
    rubric = {"question": "Which solves it?", "guidance": "Solve it.", "criteria": CRITERIA}
    revision.revise(many.pk, rubric=rubric, asks_again=True, by=lead, reason="Read twice.", at=clock.now())
    many.refresh_from_db()
    assert figures.of(many, at=clock.now()).n_judgments == 0
    factory.judge(factory.next_for(three[0]), 1, answers={"tone": 1})
    factory.the_minute_passes()
    assert figures.of(many, at=clock.now()).n_judgments == 1
    roll_up_agreement()
    assert AgreementState.objects.get().n_judgments == 1
    assert from_all(many) == stored(many)


def test_a_task_that_is_left_out_leaves_the_sums(campaign, both, lead, from_sums):
    factory.judge_everything(both[:1], factory.prefers_candidate)
    roll_up_agreement()
    shown = factory.next_for(both[1])
    stuck = shown.task
    assignment.give_back(
        shown.public_id, by=both[1], state="skipped", at=clock.now(), skip_reason="It is broken"
    )
    campaigns.exclude_task(stuck.pk, by=lead, reason="Nobody can judge it.", at=clock.now())
    for _ in range(2):
        found = figures.of(campaign, at=clock.now())
        assert (found.n_judgments, found.n_items) == (5, 5)
        roll_up_agreement()


def test_the_spread_is_estimated_anew_when_judgments_have_become_many_more(many, three, monkeypatch):
    monkeypatch.setattr(rollup, "BATCH", 3)
    judge_some(three, random.Random(2), most=5)
    factory.the_minute_passes()
    roll_up_agreement()
    first = AgreementState.objects.get()
    assert first.n_when_read == first.n_judgments > 0
    for _ in range(5):
        judge_some(three, random.Random(5), most=5)
    factory.the_minute_passes()
    roll_up_agreement()
    roll_up_agreement()
    later = AgreementState.objects.get()
    assert later.n_when_read == later.n_judgments == Judgment.objects.count()
    assert later.spread not in (None, first.spread)


def test_pages_of_a_large_campaign_show_the_matrix_and_every_pair(many, three, lead, from_sums, monkeypatch):
    monkeypatch.setattr(heat, "FEWEST", 2)
    monkeypatch.setattr(pairs, "MOST_PAIRS", 2)
    for _ in range(8):
        judge_some(three, random.Random(5), most=5)
    factory.the_minute_passes()
    roll_up_agreement()
    page = signed_in(lead).get(many.get_absolute_url()).content.decode()
    assert "Each of the 3 pairs" in page
    assert all(page.count(each.pseudonym) >= 2 for each in three)
    first = signed_in(lead).get(f"{many.get_absolute_url()}pairs/").content.decode()
    second = signed_in(lead).get(f"{many.get_absolute_url()}pairs/?page=2").content.decode()
    assert (first.count(" and E-"), second.count(" and E-")) == (2, 1)
    api = bearer(lead, Permission.VIEW_CAMPAIGNS)
    call = f"/api/v1/campaigns/{many.public_id}/agreement"
    told = api.get(call).json()
    rest = api.get(f"{call}?pairs_from=2").json()
    assert (told["n_pairs"], len(told["pairs"]), len(rest["pairs"])) == (3, 2, 1)
    assert told["any_time"]["krippendorff_alpha"]["value"] == told["inter"]["krippendorff_alpha"]["value"]
    assert api.get(f"{call}?pairs_from=-1").json()["code"] == "bad_pairs_from"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_workers_and_people_who_judge_and_look_at_the_same_time(many, three, from_sums):
    chance = random.Random(11)
    judge_some(three, chance, most=2)
    factory.the_minute_passes()
    roll_up_agreement()

    def judges(evaluator):
        for _ in range(3):
            if shown := factory.next_for(evaluator):
                factory.judge(shown, 1, answers={"tone": 2})
                factory.the_minute_passes()

    def counts():
        for _ in range(6):
            rollup.roll_up(many.pk, at=clock.now())

    def looks():
        return [figures.of(many, at=clock.now()).n_judgments for _ in range(6)]

    said = together(*(lambda e=e: judges(e) for e in three), counts, counts, looks, looks)
    errors = [each for each in said if isinstance(each, Exception)]
    assert not errors
    for seen in said[-2:]:
        assert seen == sorted(seen)
    roll_up_agreement()
    little_by_little = stored(many)
    assert AgreementState.objects.get().n_judgments == Judgment.objects.filter(is_counted=True).count()
    assert from_all(many) == little_by_little
    assert connection.vendor == "postgresql"


def test_the_sums_are_kept_as_they_are_read(many, three):
    judge_some(three, random.Random(4), most=5)
    factory.the_minute_passes()
    roll_up_agreement()
    body = AgreementState.objects.get().body
    assert Tally.from_json(body).as_json() == body
    assert Tally.from_json({}).n_judgments == 0
