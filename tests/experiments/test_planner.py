"""The planner's page: published plans, what it takes from the component's experiments, and what cannot be planned."""

import csv
import io
import re
from html import unescape

import pytest

from evaltrack import clock
from evaltrack.accounts.roles import Role
from evaltrack.stats.estimate import Estimate
from evaltrack.stats.planning import PairedShares
from experiments import conclusion, evidence
from experiments.models import Arm, Comparison, Experiment
from experiments.planner.answers import answer
from experiments.planner.questions import QUESTIONS, read
from experiments.planner.words import percent, plain, points
from tests.accounts.callers import signed_in
from tests.conftest import person
from tests.factories import experiments
from tests.query_growth import no_query_growth

SUITE = {
    "metrics": [
        {"metric": "exact_match", "role": "gating", "margin": 0.0},
        {"metric": "token_f1", "role": "gating", "margin": 0.0},
        {"metric": "output_tokens", "role": "secondary"},
        {"metric": "latency_p50", "role": "secondary"},
    ],
    "human": {"items": 6, "overlap": 2, "margin": 0.5, "floor": 0.0, "coefficient": "cohen_kappa"},
}


@pytest.fixture
def page(owner):
    def get(component, who=None, **query):
        response = signed_in(who or owner).get(f"{component.get_absolute_url()}planner/", query)
        response.text_ = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))
        return response

    return get


@pytest.fixture
def unmeasured(owner, platform):
    return experiments.component(owner, platform, suite=SUITE)


@pytest.fixture
def measured(people):
    """60 examples: the candidate is right on 54, the baseline on 48; they differ on 6."""
    return experiments.several({"v1": 0.8, "v2": 0.9}, suite=SUITE, **people)[0]


def field(response, name):
    return re.search(rf'<input id="{name}" name="{name}" value="([^"]*)"', response.content.decode())[1]


def help_of(response, name):
    found = re.search(rf'id="{name}-help">(.*?)</p>', response.content.decode(), re.S)[1]
    return re.sub(r"<[^>]+>", "", found).strip()


def problem_of(response, name):
    found = re.search(rf'id="{name}-problem">(.*?)</p>', response.content.decode(), re.S)
    return unescape(found[1]) if found else ""


# ── Published plans ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("discordant", "needed"), [("4", "783"), ("6", "1,175"), ("10", "1,960"), ("20", "3,923")]
)
def test_connor_1987_two_points_on_the_same_examples(page, unmeasured, discordant, needed):
    text = page(unmeasured, question="paired_share", discordant=discordant, difference="2").text_
    assert f"{needed} examples show a difference of 2 points with 80 % power" in text
    assert f"if the two differ on {discordant} % of them." in text


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (
            {"question": "paired_share", "discordant": "6", "difference": "0", "margin": "2"},
            "1,250 examples show that the candidate is not worse than the margin of 2 points with 80 % power, "
            "if the two differ on 6 % of them and it is in truth as good as the baseline.",
        ),
        (
            {"question": "two_shares", "baseline": "80", "difference": "2"},
            "6,039 examples on each side show a difference of 2 points with 80 % power",
        ),
        (
            {"question": "two_means", "sd": "1", "difference": "1", "power": "90"},
            "23 examples on each side show a difference of 1 with 90 % power",
        ),
        (
            {"question": "win_rate", "win_rate": "60", "ties": "0", "votes": "1"},
            "194 judgments show a win rate of 60 % with 80 % power",
        ),
        (
            {"question": "win_rate", "win_rate": "60", "ties": "20", "votes": "5", "alike": "0.3"},
            "the 5 votes on a prompt correlate by 0.3: 107 prompts.",
        ),
        ({"question": "kappa", "kappa": "0.6", "prevalence": "10"}, "705 items, each judged by two people"),
        ({"question": "kappa", "kappa": "0.6", "prevalence": "50"}, "show kappa to within 0.1, if it is 0.6"),
    ],
)
def test_the_other_questions(page, unmeasured, query, sentence):
    """power.t.test(delta = 1, sd = 1, power = .9) of R; the others stand in docs/statistics.md."""
    assert sentence in page(unmeasured, **query).text_


def test_miller_2024_with_the_exact_t(page, unmeasured):
    response = page(unmeasured, question="paired_mean", spread="0.3333333333", difference="0.03")
    assert "971 examples show a difference of 0.03" in response.text_  # 969 by normal quantiles


def test_a_loss_is_called_one(page, unmeasured):
    response = page(unmeasured, question="paired_share", discordant="6", difference="−2")
    assert "1,175 examples show a loss of 2 points" in response.text_
    assert "can show a loss from" in response.text_
    below = page(unmeasured, question="win_rate", win_rate="40", ties="0", votes="1").text_
    assert "194 judgments show a win rate of 40 %" in below
    assert "Largest win rate shown" in below


def test_the_table_has_tiers_what_is_at_hand_and_what_is_needed(page, unmeasured):
    response = page(unmeasured, question="paired_share", discordant="6", difference="2", n="500")
    rows = re.findall(r'<th scope="row">(.*?)</tr>', response.content.decode(), re.S)
    told = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in rows]
    assert told == [
        "10 smoke tier none under 0.1 %",
        "250 standard tier 4.32 points 23.8 %",
        "500 at hand 3.06 points 43.5 %",
        "1,000 2.17 points 74.1 %",
        "1,175 needed 2 points 80.7 %",
    ]
    assert PairedShares(0.06).needed(0.02).exact_power == pytest.approx(0.807, abs=5e-4)


# ── What experiments show ────────────────────────────────────────────────────────────────────────────


def test_without_experiments_usual_values_stand_there_and_the_page_says_so(page, unmeasured):
    response = page(unmeasured)
    assert response.status_code == 200
    assert "No experiment of adder is scored yet, so these are usual values to start from." in response.text_
    assert (field(response, "discordant"), help_of(response, "discordant")) == ("10", "A usual value.")
    assert "1,960 examples" in response.text_
    people = page(unmeasured, question="win_rate").text_
    assert "No judgments of people about adder are closed yet" in people


def test_what_the_newest_experiment_shows_is_filled_in_with_its_name(page, measured):
    response = page(measured.component)
    assert field(response, "discordant") == "10"
    assert help_of(response, "discordant") == (
        f"From {measured}: 6 of 60 differ, with an interval from 4.7 % to 20 %."
    )
    assert (field(response, "n"), help_of(response, "n")) == ("60", f"From {measured}: it has 60.")
    assert "it saw +10.0 pts" in help_of(response, "difference")
    assert f"If 20 % differ, which {measured} leaves open, it takes" in response.text_
    assert measured.get_absolute_url() in response.content.decode()


def test_of_a_mean_it_is_the_standard_deviation(page, measured):
    paired = page(measured.component, metric="token_f1")
    assert "selected>token_f1" in paired.content.decode()
    assert float(field(paired, "spread")) == pytest.approx(0.303, abs=5e-4)  # 6 differences of 1 among 60
    assert help_of(paired, "spread") == f"From {measured}: over 60 differences."
    independent = page(measured.component, metric="token_f1", question="two_means")
    assert float(field(independent, "sd")) == pytest.approx(0.357, abs=5e-4)  # √((0.09 + 0.16)·30/59)
    baseline = page(measured.component, question="two_shares")
    assert (field(baseline, "baseline"), help_of(baseline, "baseline")) == (
        "80",
        f"From {measured}: 48 of 60 were right.",
    )


def test_a_mean_shows_no_discordance_a_share_no_spread_nor_does_what_never_differs(page, measured):
    response = page(measured.component, metric="token_f1", question="paired_share")
    assert help_of(response, "discordant") == (
        f"A usual value; {measured} does not show it: token_f1 is a mean and no share."
    )
    assert field(response, "margin") == "0"
    share = page(measured.component, metric="exact_match", question="paired_mean")
    assert "exact_match is a share and no mean" in help_of(share, "spread")
    same = page(measured.component, metric="output_tokens")
    assert field(same, "spread") == "0.3"
    assert "none of its 60 examples differ" in help_of(same, "spread")
    assert "tokens" in same.text_


def test_where_nothing_differs_as_much_is_assumed_as_may_differ_unseen(page, people):
    (same,) = experiments.several({"v1": 0.5, "v2": 0.5}, suite=SUITE, **people)
    response = page(same.component)
    assert field(response, "discordant") == "6.02"
    assert "none of 60 differ, which 6 % may do unseen" in help_of(response, "discordant")
    assert response.context["answer"].needed > 0


def test_what_no_plan_can_start_from_is_brought_into_its_range(page, measured):
    Comparison.objects.filter(experiment=measured, metric="exact_match").update(n=3_000_000)
    response = page(measured.component)
    assert field(response, "n") == "1000000"
    assert response.context["answer"]


def test_what_is_typed_replaces_it_and_the_experiment_stays_beside_it(page, measured):
    response = page(measured.component, discordant="6", difference="2")
    assert field(response, "discordant") == "6"
    assert help_of(response, "discordant").startswith(f"Beside it, {measured}: 6 of 60 differ")
    assert "1,175 examples show a difference of 2 points" in response.text_
    assert "leaves open" not in response.text_


def test_a_policy_with_a_margin_asks_whether_an_equal_candidate_passes(page, people):
    suite = {"metrics": [{"metric": "exact_match", "role": "gating", "margin": 0.05}]}
    (experiment,) = experiments.several({"v1": 0.8, "v2": 0.9}, suite=suite, **people)
    response = page(experiment.component)
    assert (field(response, "margin"), field(response, "difference")) == ("5", "0")
    assert "not worse than the margin of 5 points" in response.text_
    assert "it is in truth as good as the baseline" in response.text_


def test_the_pilot_can_be_an_earlier_experiment(page, people):
    earlier, later = experiments.several({"v1": 0.8, "v2": 0.9, "v3": 0.5}, suite=SUITE, **people)
    component = earlier.component
    assert field(page(component), "discordant") == "30"
    response = page(component, pilot=earlier.public_id)
    assert field(response, "discordant") == "10"
    assert f'name="pilot" value="{earlier}"' in response.content.decode()
    assert page(component, pilot="exp-20200101-001").status_code == 404
    assert later.public_id not in help_of(response, "discordant")


def test_an_experiment_that_is_not_scored_shows_nothing(page, people):
    experiment = experiments.submitted(**people, suite=SUITE)
    assert "No experiment of adder is scored yet" in page(experiment.component).text_


def judged(people, counts):
    experiment = experiments.measured(**people, suite=SUITE, risk="high")
    evidence.record_human_evidence(
        experiment.pk,
        net_preference=Estimate(0.1, -0.1, 0.3, 120, "test"),
        agreement=Estimate(0.52, 0.4, 0.6, 60, "test"),
        judgments=120,
        items=60,
        judgments_root="ab" * 32,
        by=people["platform"],
        at=clock.now(),
        counts=counts,
    )
    return experiment


def test_people_show_ties_votes_and_kappa(page, people):
    counts = {"candidate": 50, "baseline": 40, "tie": 24, "both_bad": 6}
    experiment = judged(people, counts)
    response = page(experiment.component, question="win_rate")
    assert (field(response, "ties"), help_of(response, "ties")) == (
        "25",
        f"From {experiment}: 30 of 120 were ties or both bad.",
    )
    assert (field(response, "votes"), field(response, "n")) == ("2", "120")
    kappa = page(experiment.component, question="kappa")
    assert (field(kappa, "kappa"), field(kappa, "n")) == ("0.52", "60")
    assert help_of(kappa, "kappa") == f"From {experiment}: its cohen kappa is 0.52."


def test_evidence_of_before_does_not_say_how_many_ties_there_were(page, people):
    response = page(judged(people, None).component, question="win_rate")
    assert field(response, "ties") == "20"
    assert "its evidence does not count ties" in help_of(response, "ties")


# ── Bad input ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("discordant", "6,5", "“6,5” has a comma. Write decimals with a point, such as 2.5."),
        ("discordant", "many", "“many” is not a number. Write it in digits, such as 10."),
        ("discordant", "", "Write a number; it was empty."),
        ("discordant", "120", "120 is out of range: from 0.001 to 100 %."),
        ("difference", "nan", "“nan” is not a number. Write it in digits, such as 2."),
        ("difference", "1e5", "“1e5” is not a number. Write it in digits, such as 2."),
        ("difference", "１", "“１” is not a number. Write it in digits, such as 2."),
        ("difference", "12", "12 points are more than the 10 % of examples on which the two differ"),
        ("power", "30", "30 is out of range: from 50 to 99.9 %."),
        ("n", "0", "0 is out of range: from 1 to 1,000,000."),
        ("n", "2.5", "2.5 is not a whole number."),
        ("n", "9" * 40, "is not a number"),
        ("n", "<b>", "“<b>” is not a number"),
    ],
)
def test_what_cannot_be_used_is_said_beside_it(page, unmeasured, name, text, sentence):
    response = page(unmeasured, question="paired_share", **{name: text})
    assert response.status_code == 200
    assert sentence in problem_of(response, name)
    markup = re.search(rf'<input id="{name}".*?>', response.content.decode())[0]
    assert 'aria-invalid="true"' in markup
    assert f"{name}-problem" in markup
    assert unescape(field(response, name)) == text
    assert response.context["answer"] is None
    assert response.content.decode().count('class="problem"') == 1


@pytest.mark.parametrize(
    ("query", "name", "sentence"),
    [
        ({"question": "two_shares", "baseline": "90", "difference": "20"}, "difference", "110 %"),
        ({"question": "two_shares", "baseline": "5", "margin": "6"}, "margin", "no share left to be worse"),
        ({"question": "kappa", "kappa": "-0.5", "prevalence": "10"}, "kappa", "cannot have a kappa of -0.5"),
    ],
)
def test_what_does_not_go_together_is_said_too(page, unmeasured, query, name, sentence):
    assert sentence in problem_of(page(unmeasured, **query), name)


def test_numbers_are_taken_as_people_write_them(page, unmeasured):
    response = page(unmeasured, question="paired_share", discordant=" 6 % ", difference="+2.0", n="1,000")
    assert "1,175 examples" in response.text_
    assert "The 1,000 examples at hand" in response.text_


@pytest.mark.parametrize("query", [{"metric": "latency_p50"}, {"metric": "bleu"}, {"question": "anova"}])
def test_what_does_not_exist_is_not_found(page, measured, query):
    assert page(measured.component, **query).status_code == 404


def test_where_no_number_is_enough_it_says_so(page, unmeasured):
    response = page(unmeasured, question="paired_share", difference="0")
    assert "No number of examples is enough" in response.text_
    assert response.context["answer"].needed is None


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=list(QUESTIONS))
@pytest.mark.parametrize("end", ["low", "high"])
def test_every_end_of_every_range_has_an_answer_or_a_sentence(question, end):
    for varied in question.fields:
        given = {field.name: field.default for field in question.fields}
        given[varied.name] = f"{getattr(varied, end):.9f}"
        values, problems = read(question, given)
        if not problems:
            found = answer(question.name, values, {10: "", 250: ""})
            words = f"{found.sentence} {found.at_hand} {[size.shows for size in found.sizes]}"
            assert not re.search(r"\bnan\b|\binf\b|\de[+-]\d", words), words
            assert all(0 <= height < 1e9 for _, height in found.curve)


def test_numbers_in_words():
    assert [plain(x) for x in (0, 2.0, 1175, 0.0123456, 1e-7, 12345.6)] == [
        "0", "2", "1,175", "0.01235", "0.0000001", "12,350",
    ]  # fmt: skip
    assert [percent(x, 3) for x in (0, 0.8, 0.99999, 1, 0.0001)] == [
        "0 %", "80 %", "over 99.9 %", "100 %", "under 0.1 %",
    ]  # fmt: skip
    assert [points(x) for x in (0.01, 0.02, 0.0432)] == ["1 point", "2 points", "4.32 points"]


# ── The page ─────────────────────────────────────────────────────────────────────────────────────────


def test_htmx_gets_the_plan_without_the_page_around_it(measured, owner):
    path = f"{measured.component.get_absolute_url()}planner/"
    text = signed_in(owner).get(path, headers={"HX-Request": "true"}).content.decode()
    assert text.strip().startswith('<div id="plan"')
    assert "<html" not in text


def test_the_curve_is_drawn_and_its_dots_are_the_rows(page, unmeasured):
    text = page(unmeasured, question="paired_share", discordant="6", difference="2").content.decode()
    picture = re.search(r"<svg class='trend.*?</figure>", text, re.S)[0]
    assert "<polyline class='curve'" in picture
    assert picture.count("<circle") == 4
    assert "<title>1,175: 81 %</title>" in picture
    assert "nan" not in picture


def test_component_and_inconclusive_comparisons_lead_to_it(people, owner):
    experiment = experiments.submitted(**people, suite=SUITE, examples=40)
    shares = {Arm.CANDIDATE: 0.52, Arm.BASELINE: 0.5}
    experiments.answer_all(experiment, experiments.partly_right(shares, 40))
    conclusion.conclude(experiment, at=clock.now())
    experiment = Experiment.objects.with_names().get(pk=experiment.pk)
    address = f"{experiment.component.get_absolute_url()}planner/"
    client = signed_in(owner)
    assert f'href="{address}"' in client.get(experiment.component.get_absolute_url()).content.decode()
    text = client.get(experiment.get_absolute_url()).content.decode()
    link = f"{address}?metric=exact_match&amp;pilot={experiment}"
    assert link in text
    assert f"{address}?metric=latency_p50" not in text
    assert client.get(unescape(link)).status_code == 200


def test_another_owner_finds_no_planner(page, measured):
    assert page(measured.component, who=person("stranger", Role.OWNER)).status_code == 404


def test_its_queries_do_not_grow_with_experiments(page, measured, people):
    component, golden = measured.component, measured.dataset_version
    baseline = measured.baseline

    def add(number):
        new = experiments.component_version(component, people["platform"], version=f"n{number}")
        further = experiments.asked(new, baseline, golden)
        experiments.answer_all(further, experiments.right_for([Arm.CANDIDATE]))
        conclusion.conclude(further, at=clock.now())

    no_query_growth(lambda: page(component), add, rows=2)


def test_the_plan_as_a_file_has_every_number_of_the_page(page, unmeasured):
    shown = page(unmeasured).context["answer"]
    answer = page(unmeasured, format="csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [int(row["number"]) for row in rows] == [size.n for size in shown.sizes]
    assert [row["power"] for row in rows] == [str(size.power) for size in shown.sizes]
    assert page(unmeasured, format="csv", power="120").status_code == 404
