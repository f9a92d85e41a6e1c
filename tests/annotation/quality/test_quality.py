"""How well evaluators judge: what is raised and what is not, who is told, and that it excludes nobody."""

import json

import pytest

from annotation.agreement import figures
from annotation.models import Gold, Judgment, Task
from annotation.quality import evaluators
from evaltrack import clock
from evaltrack.accounts.roles import Permission, Role
from evaltrack.stats.estimate import Estimate, Undefined
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import quality as panels
from tests.factories.quality import Way
from tests.query_growth import no_query_growth


@pytest.fixture
def raters(db):
    return panels.people(8)


def found_in(panel):
    return evaluators.of(panel.campaign, at=clock.now())


def of_rater(found, rater):
    return next(each for each in found.evaluators if each.user == rater)


def kinds(found, rater):
    return {signal.kind for signal in of_rater(found, rater).signals}


def page_of(panel, lead, *rest):
    path = f"{panel.campaign.get_absolute_url()}evaluators/{''.join(rest)}"
    return signed_in(lead).get(path)


# ── What is raised ───────────────────────────────────────────────────────────────────────────────────


def test_nobody_is_raised_where_all_judge_alike(lead, raters):
    raised = []
    for seed in range(3):
        found = found_in(panels.judged(lead, raters, items=80, gold=12, seed=seed))
        raised += [signal for each in found.evaluators for signal in each.signals]
    # Of eleven kinds at five percent, three times over.
    assert len(raised) <= 6, raised


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        (Way(presses="left"), "left"),
        (Way(presses="tie"), "ties"),
        (Way(presses="tie"), "variety"),
        (Way(presses="tie", after=0.7), "runs"),
        (Way(presses="both_bad"), "both_bad"),
        (Way(seconds=4.0), "unread"),
        (Way(seconds=4.0), "pace"),
        (Way(right=0.2), "accuracy_without_gold"),
        (Way(gold_right=0.2), "gold"),
        (Way(check_right=0.0), "checks"),
    ],
)
def test_who_judges_oddly_is_raised_first_and_the_others_are_not(lead, raters, way, kind):
    panel = panels.judged(lead, raters, {3: way}, items=160, gold=40, checks=10)
    found = found_in(panel)
    assert kind in kinds(found, raters[3]), of_rater(found, raters[3]).measured.indications
    # Of those who are raised, some are by chance; they are few.
    assert raters[3] in [each.user for each in found.evaluators[:3]]
    assert len([each for each in raters if kind in kinds(found, each)]) <= 2


def test_the_sentence_gives_the_interval_and_the_page_how_often_it_would_be_so_by_chance(lead, raters):
    panel = panels.judged(lead, raters, {3: Way(presses="left")}, items=160)
    text = page_of(panel, lead, raters[3].pseudonym, "/").content.decode()
    assert "Picks the left side more often than chance would: 100 %, 94 % to 100 %." in text
    assert "it would be so less than once in 1,000" in text


def test_a_signal_excludes_nobody(lead, raters):
    panel = panels.judged(lead, raters, {3: Way(presses="left", right=0.2)}, items=160, gold=40)
    found_in(panel)
    assert factory.next_for(raters[3]) is None  # everything is judged; the next item is given all the same
    factory.add_answers(panel.campaign, "ab", lead=lead, items=1)
    assert factory.next_for(raters[3]) is not None


# ── What figures are made of ─────────────────────────────────────────────────────────────────────────


def test_checks_are_apart_from_gold_and_neither_is_in_agreement(lead, raters):
    panel = panels.judged(lead, raters, items=60, gold=20, checks=10)
    found = found_in(panel)
    assert sum(each.measured.gold_answered for each in found.evaluators) == 60
    assert sum(each.measured.indications["checks"].n for each in found.evaluators) == 30
    counted = figures.of(panel.campaign, at=clock.now()).n_judgments
    assert sum(each.measured.counted for each in found.evaluators) == counted == 180
    assert sum(each.measured.judgments for each in found.evaluators) == 270


def test_suspended_gold_measures_nobody(lead, raters):
    panel = panels.judged(lead, raters, items=30, gold=20)
    Gold.objects.update(suspended_at=clock.now())
    assert not any(each.measured.gold_answered for each in found_in(panel).evaluators)


def test_excluded_tasks_count_in_no_agreement_but_show_how_somebody_works(lead, raters):
    panel = panels.judged(lead, raters, items=60)
    Task.objects.filter(campaign=panel.campaign, item__lt="item 0030").update(
        excluded_at=clock.now(), excluded_by=lead, exclusion_reason="Names a system."
    )
    found = found_in(panel)
    assert sum(each.measured.counted for each in found.evaluators) == 90
    assert sum(each.measured.judgments for each in found.evaluators) == 180


def test_what_can_still_be_undone_is_not_read(lead, both):
    campaign = factory.stand_alone("pairwise", lead=lead, items=3)
    factory.judge(factory.next_for(both[0]), 1)
    assert evaluators.of(campaign, at=clock.now()).read == 0
    factory.the_minute_passes()
    assert evaluators.of(campaign, at=clock.now()).read == 1


def test_alpha_is_that_of_the_campaign(lead, raters):
    panel = panels.judged(lead, raters, {3: Way(right=0.3)}, items=60)
    told = figures.of(panel.campaign, at=clock.now()).as_json(name_of=figures.pseudonym)
    found = found_in(panel).disagreement
    assert found.alpha == pytest.approx(told["inter"]["krippendorff_alpha"]["value"])
    assert found.raters[0].rater == raters[3].pk
    assert found.raters[0].gain > 0


def test_of_many_judgments_the_latest_are_read_and_the_page_says_so(lead, raters, monkeypatch):
    panel = panels.judged(lead, raters, items=60)
    monkeypatch.setattr(evaluators, "MOST_READ", 50)
    found = found_in(panel)
    assert (found.read, found.is_all) == (50, False)
    latest = Judgment.objects.order_by("-settled_at").values_list("task", flat=True)[:50]
    assert set(found.columns.task.tolist()) == set(latest)
    assert "the latest 50 final judgments" in page_of(panel, lead).content.decode()


@pytest.mark.parametrize("protocol", ["rating", "ranking", "spans"])
def test_other_protocols_have_what_their_answers_allow(lead, both, protocol):
    campaign = factory.stand_alone(protocol, lead=lead, items=12)
    factory.judge_everything(both, lambda shown: None)
    found = evaluators.of(campaign, at=clock.now())
    assert {each.measured.judgments for each in found.evaluators} == {12}
    assert (found.evaluators[0].measured.others is not None) == (protocol == "rating")
    assert found.evaluators[0].measured.ability is None
    for rest in ("", f"{both[0].pseudonym}/"):
        assert signed_in(lead).get(f"{campaign.get_absolute_url()}evaluators/{rest}").status_code == 200


def test_where_disagreement_comes_from_is_said(lead, raters):
    panel = panels.judged(
        lead, raters, {3: Way(right=0.2)}, items=200, strata=lambda number: "law" if number % 2 else "tax"
    )
    told = found_in(panel).disagreement_as_json()
    assert told["origins"]["most"] == "raters"
    assert told["sentence"].startswith("Most of what is not chance goes with who judges")
    assert told["raters"][0]["evaluator"] == raters[3].pseudonym
    assert {part["name"] for part in told["rubric"]} == {"law", "tax"}
    agreements = [each["agreement"] for each in told["items"]]
    assert agreements == sorted(agreements)
    assert "law" in page_of(panel, lead).content.decode()


def test_two_people_and_a_handful_of_items_get_reasons_in_place_of_numbers(lead, both):
    factory.stand_alone("pairwise", lead=lead, items=3)
    factory.judge_everything(both)
    campaign = Task.objects.first().campaign
    found = evaluators.of(campaign, at=clock.now())
    assert isinstance(found.evaluators[0].measured.ability, Undefined)
    assert isinstance(found.disagreement.origins, Undefined)
    text = signed_in(lead).get(f"{campaign.get_absolute_url()}evaluators/").content.decode()
    assert "2 raters share items with others: 3 are needed" in text


# ── Who is told ──────────────────────────────────────────────────────────────────────────────────────


def test_the_api_speaks_of_pseudonyms_and_names_nobody_and_no_system(lead, raters):
    panel = panels.judged(lead, raters, {3: Way(presses="left")}, items=60, gold=12)
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)
    answer = client.get(f"/api/v1/campaigns/{panel.campaign.public_id}/evaluators")
    body = answer.json()
    assert answer.status_code == 200
    assert {each["evaluator"] for each in body["evaluators"]} == {each.pseudonym for each in raters}
    first = body["evaluators"][0]
    assert first["evaluator"] == raters[3].pseudonym
    assert {"kind", "sentence", "by_chance", "adjusted", "n"} == set(first["signals"][0])
    assert {"value", "ci_low", "ci_high", "n", "method"} <= set(first["left_picks"]["seen"])
    for name in [*(each.username for each in raters), "sys-a", "sys-b"]:
        assert name not in answer.content.decode()


def test_evaluators_have_no_such_page(lead, raters):
    panel = panels.judged(lead, raters, items=12)
    for rest in ("", f"{raters[0].pseudonym}/"):
        assert page_of(panel, raters[0], rest).status_code == 403


def test_an_unknown_pseudonym_and_an_empty_campaign_say_what_is_the_matter(lead, raters):
    panel = panels.judged(lead, raters, items=12)
    assert page_of(panel, lead, "E-NOBODY/").status_code == 404
    empty = factory.stand_alone("pairwise", lead=lead)
    text = signed_in(lead).get(f"{empty.get_absolute_url()}evaluators/").content.decode()
    assert "Nobody has judged yet" in text
    text = signed_in(lead).get(panel.campaign.get_absolute_url()).content.decode()
    assert f"{panel.campaign.get_absolute_url()}evaluators/" in text


def test_as_many_queries_for_many_evaluators_as_for_few(lead, raters):
    panel = panels.judged(lead, raters[:3], items=20)
    later = panels.people(0)

    def another(number):
        later.append(signed(person(f"later{number}", Role.EVALUATOR)))
        of = Judgment.objects.filter(campaign=panel.campaign, evaluator=raters[number % 3])
        one = of.order_by("pk").first()
        Judgment.objects.filter(pk=one.pk).update(evaluator=later[-1])

    path = f"{panel.campaign.get_absolute_url()}evaluators/"
    client = signed_in(lead)

    def visit():
        assert client.get(path).status_code == 200

    no_query_growth(visit, another)
    assert len(found_in(panel).evaluators) == 13


# ── Attention checks ─────────────────────────────────────────────────────────────────────────────────


def test_a_line_makes_an_attention_check(lead):
    campaign = factory.stand_alone("pairwise", lead=lead, items=1)
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)
    responses = [{"source": f"sys-{name}", "text": name} for name in "ab"]

    def add(check):
        gold = {"preference": 1, "why": "The other is not an answer.", "check": check}
        line = json.dumps({"item": f"c {check}", "prompt": "What?", "responses": responses, "gold": gold})
        path = f"/api/v1/campaigns/{campaign.public_id}/tasks"
        return client.post(path, line.encode(), content_type="application/x-ndjson")

    assert add(True).status_code == 201
    assert add(False).status_code == 201
    assert list(Gold.objects.order_by("pk").values_list("is_check", flat=True)) == [True, False]
    answer = add("yes")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "gold.check"


def test_an_estimate_stands_where_there_are_enough(lead, raters):
    found = found_in(panels.judged(lead, raters, items=80))
    assert all(isinstance(each.measured.ability.seen, Estimate) for each in found.evaluators)
    assert all(isinstance(each.measured.kappa, Estimate) for each in found.evaluators)


@pytest.mark.parametrize("ways", [{}, {2: Way(presses="tie")}])
def test_the_list_raises_whom_all_figures_raise(lead, raters, ways):
    """It does not draw how often little variety comes by chance where nobody varies little."""
    panel = panels.judged(lead, raters, ways, items=60, gold=6, checks=4)
    listed = evaluators.of(panel.campaign, at=clock.now(), for_signals=True)
    whole = found_in(panel)
    assert [each.user for each in listed.evaluators] == [each.user for each in whole.evaluators]
    assert [each.signals for each in listed.evaluators] == [each.signals for each in whole.evaluators]
    assert all("variety" in each.measured.indications for each in whole.evaluators)
    drawn = {"variety" in each.measured.indications for each in listed.evaluators}
    assert drawn == {bool(ways)}
