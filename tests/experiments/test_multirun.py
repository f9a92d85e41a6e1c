"""Several runs against one: what is compared is the same examples, and what is not comparable says why."""

import csv
import html
import io
import json
import os
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction

from evaltrack import clock
from evaltrack.accounts.roles import Role
from evaltrack.errors import Conflict, Invalid, NotFound, Refused
from experiments import conclusion, multirun, parallel, saved
from experiments.metrics import REGISTRY
from experiments.models import Arm, Run, SavedComparison
from experiments.multirun import name_of
from tests.accounts.callers import signed_in
from tests.conftest import person
from tests.factories import experiments
from tests.query_growth import no_query_growth

SUITE = {
    "metrics": [
        {"metric": "exact_match", "role": "gating", "margin": 0.1},
        {"metric": "token_f1", "role": "secondary"},
        {"metric": "latency_p50", "role": "guardrail", "margin": 1000},
    ]
}
SHARES = {"v1": 0.5, "v2": 0.9, "v3": 0.5, "v4": 0.1}


@pytest.fixture
def rows(people):
    return experiments.several(SHARES, suite=SUITE, **people)


@pytest.fixture
def component(rows):
    return rows[0].component


def runs_of(rows, arm=Arm.CANDIDATE):
    return [
        Run.objects.select_related("version", "experiment__plan").get(experiment=row, arm=arm) for row in rows
    ]


def query(rows, reference=None, **more):
    first = reference or f"{rows[0]}.baseline"
    pairs = [("reference", first), *(("run", f"{row}.candidate") for row in rows), *more.items()]
    return "?" + "&".join(f"{name}={value}" for name, value in pairs)


@pytest.fixture
def ask(component, people):
    def get(query="", who=None):
        return signed_in(who or people["owner"]).get(f"/components/{component.name}/compare/{query}")

    return get


def test_each_run_is_judged_against_the_reference_on_the_same_examples(rows, component):
    reference = runs_of(rows[:1], Arm.BASELINE)[0]
    row = multirun.compared(reference, runs_of(rows), component.policy)[0]
    assert row.metric.name == "exact_match"
    assert (row.reference.count, [cell.count for cell in row.cells]) == (30, [54, 30, 6])
    deltas = [cell.judged.compared.delta.value for cell in row.cells]
    assert deltas == pytest.approx([0.4, 0.0, -0.4])
    assert [cell.judged.outcome for cell in row.cells] == ["PASS", "PASS", "FAIL"]


def test_what_a_pair_says_is_what_its_own_experiment_said(rows, component):
    for experiment in rows:
        reference, run = runs_of([experiment], Arm.BASELINE)[0], runs_of([experiment])[0]
        for row in multirun.compared(reference, [run], component.policy):
            stored = experiment.comparisons.get(metric=row.metric.name)
            judged = row.cells[0].judged
            assert judged.compared.delta.as_json() == stored.delta
            assert row.reference.value.as_json() == stored.baseline
            assert (judged.outcome, judged.p_adjusted) == (stored.outcome, stored.p_adjusted)


def test_exchanging_reference_and_run_mirrors_the_interval(rows, component):
    one, other = runs_of(rows[:2])
    there = multirun.compared(one, [other], component.policy)[0].cells[0].judged.compared.delta
    back = multirun.compared(other, [one], component.policy)[0].cells[0].judged.compared.delta
    assert (there.value, there.ci_low, there.ci_high) == pytest.approx(
        (-back.value, -back.ci_high, -back.ci_low)
    )


def test_holm_corrects_over_the_whole_table(rows, component):
    reference = runs_of(rows[:1], Arm.BASELINE)[0]
    alone = multirun.compared(reference, runs_of(rows[2:]), component.policy)[0].cells[0].judged
    among = multirun.compared(reference, runs_of(rows), component.policy)[0].cells[2].judged
    assert among.compared.p_worse == alone.compared.p_worse
    assert among.p_adjusted == pytest.approx(4 * alone.p_adjusted)  # 3 runs, and the latency of one


def test_latency_of_another_hour_is_not_compared(rows, component):
    reference = runs_of(rows[:1], Arm.BASELINE)[0]
    latency = multirun.compared(reference, runs_of(rows), component.policy)[2]
    assert latency.cells[0].judged
    assert [bool(cell.judged) for cell in latency.cells[1:]] == [False, False]
    assert "another time" in latency.cells[1].reason


def test_runs_on_other_examples_or_that_failed_are_refused_with_the_reason(rows, component, people):
    reference = runs_of(rows[:1], Arm.BASELINE)[0]
    v1, v2 = (component.versions.get(version=name) for name in ("v1", "v2"))
    elsewhere = experiments.asked(v2, v1, experiments.dataset_version(people["custodian"], slug="other"))
    smoke = experiments.asked(v2, v1, rows[0].dataset_version, tier="smoke")
    failing = experiments.asked(v2, v1, rows[0].dataset_version)
    open_one = experiments.asked(v2, v1, rows[0].dataset_version)

    def fails_at_times(arm, output, expected):
        return None if arm == Arm.BASELINE and output.position % 20 == 0 else expected

    experiments.answer_all(elsewhere, lambda arm, output, expected: expected)
    experiments.answer_all(smoke, lambda arm, output, expected: expected)
    experiments.answer_all(failing, fails_at_times)
    experiments.answer_all(open_one, lambda arm, output, expected: expected)
    for each in (elsewhere, smoke, failing):
        conclusion.conclude(each, at=clock.now())
    found = multirun.refusals(
        reference, [*runs_of([elsewhere, smoke, failing, open_one]), *runs_of([failing], Arm.BASELINE)]
    )
    reasons = {name_of(run): reason for run, reason in found.items()}
    assert "measured on other@1.0" in reasons[f"{elsewhere}.candidate"]
    assert "other examples (smoke)" in reasons[f"{smoke}.candidate"]
    assert reasons[f"{open_one}.candidate"] == "it was not scored; its experiment is running"
    assert f"{failing}.candidate" not in reasons
    assert f"{failing}.baseline" not in reasons  # 5 % of calls is not more than 5 %


def test_error_rates_that_differ_are_refused(rows):
    reference, run = runs_of(rows[:1], Arm.BASELINE)[0], runs_of(rows)[0]
    run.outputs.filter(position__lt=4).update(outcome="target_error")
    reasons = multirun.refusals(reference, [run])
    assert reasons == {run: "6.7% of its calls failed, and 0.0% of the reference's"}


def rule(plan):
    return plan["policy"]["metrics"][0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda plan: plan["metric_versions"].pop("exact_match"), "not measured in this run"),
        (
            lambda plan: plan["metric_versions"].update(exact_match="2"),
            "measured by another version of this metric",
        ),
        (
            lambda plan: plan["policy"]["metrics"][0].update(parameters={"strip": "x"}),
            "measured with other parameters",
        ),
    ],
)
def test_a_metric_measured_otherwise_is_left_out(rows, component, change, reason):
    reference, run = runs_of(rows[:1], Arm.BASELINE)[0], runs_of(rows)[0]
    change(run.experiment.plan.body)
    assert multirun.unlike_metric(REGISTRY["exact_match"], run, reference).startswith(reason)


def test_names_of_runs(rows, component):
    name = f"{rows[0]}.candidate"
    assert [name_of(run) for run in multirun.named(component, [name, name])] == [name]
    for wrong in ("exp-19990101-001.candidate", f"{rows[0]}.other", "", "candidate", str(rows[0])):
        with pytest.raises(Invalid, match="has no run"):
            multirun.named(component, [wrong])
    with pytest.raises(Invalid, match="21 runs are too many"):
        multirun.named(component, [f"exp-{n}.candidate" for n in range(21)])


def test_examples_stand_by_how_many_runs_do_worse(rows):
    reference, runs = runs_of(rows[:1], Arm.BASELINE)[0], runs_of(rows)
    found = parallel.differing(REGISTRY["exact_match"], [reference, *runs])
    counts = [(spread.worse, spread.better) for spread in found]
    assert counts == sorted(counts, reverse=True)
    assert counts == [(1, 0)] * 24 + [(0, 1)] * 24
    assert all(
        spread.values[0] != spread.values[1] or spread.values[0] != spread.values[3] for spread in found
    )
    shown = parallel.shown([reference, *runs], found[:2], reads_examples=True)
    assert [value for _, _, value in shown[0].said] == list(found[0].values)
    assert [output.example_id for _, output, _ in shown[0].said] == [shown[0].example_id] * 4
    assert shown[0].example.id == shown[0].example_id


def test_the_page_shows_the_table_one_metric_and_examples(ask, rows):
    page = ask(query(rows)).content.decode()
    for words in ("54 of 60", "+40.0 pts", "-40.0 pts"):
        assert words in page
    assert "48 on which exact_match differs" in page
    assert page.count("measured at another time") == 2
    other = ask(query(rows, metric="token_f1")).content.decode()
    assert REGISTRY["token_f1"].definition.split(":")[0] in html.unescape(other)


def test_without_runs_the_page_says_what_to_do(ask):
    page = ask()
    assert page.status_code == 200
    assert "Choose two runs or more" in page.content.decode()


def test_unknown_runs_metrics_and_formats_are_told(ask, rows):
    assert ask("?run=nonsense.candidate").status_code == 400
    assert ask(query(rows, metric="nonsense")).status_code == 404
    assert ask(query(rows, format="pdf")).status_code == 404


def test_csv_and_markdown_have_every_run_and_metric(ask, rows, component):
    answer = ask(query(rows, format="csv"))
    assert answer["Content-Disposition"] == f'attachment; filename="{component.name}-comparison.csv"'
    records = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(records) == 3 * 4
    worst = next(row for row in records if row["version"] == "v4" and row["metric"] == "exact_match")
    assert (worst["outcome"], float(worst["difference"])) == ("FAIL", pytest.approx(-0.4))
    text = ask(query(rows, format="markdown")).content.decode().splitlines()
    assert len(text) == 2 + 12
    assert text[0].startswith("| metric | version |")


def test_one_metric_and_the_examples_are_files_of_their_own(ask, rows, component):
    lines = list(csv.DictReader(io.StringIO(ask(query(rows, format="csv", table="lines")).content.decode())))
    assert {row["metric"] for row in lines} == {"exact_match"}
    assert [row["outcome"] for row in lines] == ["", "PASS", "PASS", "FAIL"]
    answer = ask(query(rows, format="csv", table="examples"))
    examples = list(csv.DictReader(io.StringIO(answer.content.decode())))
    reference, *others = (column for column in examples[0] if column.endswith((".baseline", ".candidate")))
    assert len(others) == 3
    for row in examples:
        values = [float(row[run]) for run in others]
        assert int(row["worse"]) == sum(value < float(row[reference]) for value in values)
        assert int(row["better"]) == sum(value > float(row[reference]) for value in values)
    shown = ask(query(rows)).context["examples"]
    assert [each.example_id for each in shown] == [row["example"] for row in examples[: len(shown)]]


def test_others_see_no_comparison_of_a_component_that_is_not_theirs(ask, rows):
    assert ask(query(rows), person("stranger", Role.OWNER)).status_code == 404
    assert ask(query(rows), person("checker", Role.AUDITOR)).status_code == 200


def test_a_comparison_costs_the_same_for_few_runs_and_many(ask, rows, component, people):
    asked = list(rows)
    versions_of = [component.versions.get(version=name) for name in ("v2", "v1")]

    def further(number):
        experiment = experiments.asked(*versions_of, rows[0].dataset_version)
        experiments.answer_all(experiment, lambda arm, output, expected: expected)
        conclusion.conclude(experiment, at=clock.now())
        asked.append(experiment)

    def fresh():
        multirun._compared.cache_clear()
        assert ask(query(asked)).status_code == 200

    no_query_growth(fresh, further, rows=4)


def save(rows, component, by, name="Before the launch", metric="exact_match"):
    return saved.save(
        component,
        name=name,
        reference=f"{rows[0]}.baseline",
        runs=[f"{row}.candidate" for row in rows],
        metric=metric,
        by=by,
        at=clock.now(),
    )


def test_a_saved_comparison_leads_back_to_the_same_page(rows, component, people):
    owner = people["owner"]
    browser = signed_in(owner)
    form = {"query": query(rows)[1:], "metric": "token_f1", "name": "Before the launch"}
    there = browser.post(f"/components/{component.name}/compare/save/", form)
    row = SavedComparison.objects.get()
    assert there["Location"] == row.get_absolute_url()
    page = browser.get(there["Location"])
    assert page.context["row"].metric.name == "token_f1"
    assert [name_of(run) for run in page.context["runs"]] == [row.reference, *row.runs]
    assert (
        row.get_absolute_url().replace("&", "&amp;")
        in browser.get(component.get_absolute_url()).content.decode()
    )


def test_saving_twice_is_once_and_a_name_stands_for_one_comparison(rows, component, people):
    owner = people["owner"]
    assert save(rows, component, owner).pk == save(rows, component, owner).pk
    with pytest.raises(Conflict, match="of other runs"):
        save(rows[:2], component, owner)
    with pytest.raises(Invalid, match="name"):
        save(rows, component, owner, name="  ")
    with pytest.raises(Invalid, match="two runs"):
        saved.save(
            component, name="x", reference=f"{rows[0]}.baseline", runs=[], metric="", by=owner, at=clock.now()
        )
    row = SavedComparison.objects.get()
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_only_who_saved_it_or_owns_the_component_forgets_it(rows, component, people):
    auditor = person("checker", Role.AUDITOR)
    row = save(rows, component, auditor)
    with pytest.raises(Refused):
        saved.forget(component, str(row.public_id), by=people["platform"])
    with pytest.raises(NotFound):
        saved.forget(component, "nonsense", by=auditor)
    browser = signed_in(people["owner"])
    browser.post(f"/components/{component.name}/compare/forget/", {"saved": row.public_id})
    assert not SavedComparison.objects.exists()


@pytest.mark.shared_data
def test_four_systems_on_gsm8k(people):
    """Cobbe et al. 2021: the figures that their published solutions give."""
    file = Path(os.environ["EVALTRACK_DATA"]) / "gsm8k" / "example_model_solutions.jsonl"
    problems = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    platform = people["platform"]
    rows = [
        {"id": f"p{n:04}", "input": each["question"], "expected": each["ground_truth"]}
        for n, each in enumerate(problems)
    ]
    golden = experiments.published(people["custodian"], rows, slug="gsm8k", version="test")
    suite = {"metrics": [{"metric": "numeric_match", "role": "gating", "margin": 0.01}]}
    row = experiments.component(people["owner"], platform, name="solver", suite=suite)
    names = ("175b_finetuning", "175b_verification", "6b_finetuning", "6b_verification")
    systems = {name: experiments.component_version(row, platform, version=name) for name in names}
    asked = []
    for candidate, baseline in (names[1::-1], names[3:1:-1]):
        experiment = experiments.asked(systems[candidate], systems[baseline], golden, tier="extended")
        arms = {Arm.CANDIDATE: candidate, Arm.BASELINE: baseline}
        experiments.answer_all(
            experiment, lambda arm, output, _, arms=arms: problems[output.position][arms[arm]]["solution"]
        )
        conclusion.conclude(experiment, at=clock.now())
        asked.append(experiment)
    browser = signed_in(people["owner"])
    first, second = asked
    runs = [f"{first}.candidate", f"{second}.baseline", f"{second}.candidate"]
    address = f"/components/solver/compare/?reference={first}.baseline&" + "&".join(
        f"run={run}" for run in runs
    )
    answer = browser.get(address)
    cells = dict(
        zip(
            ("175b_verification", "6b_finetuning", "6b_verification"),
            answer.context["row"].cells,
            strict=True,
        )
    )
    counts = {name: (cell.count, cell.value.n) for name, cell in cells.items()}
    assert answer.context["row"].reference.count == 458
    assert counts == {
        "175b_verification": (742, 1319),
        "6b_finetuning": (286, 1319),
        "6b_verification": (515, 1319),
    }
    outcomes = {name: cell.judged.outcome for name, cell in cells.items()}
    assert outcomes == {"175b_verification": "PASS", "6b_finetuning": "FAIL", "6b_verification": "PASS"}
    small = cells["6b_verification"].judged.compared
    delta = small.delta
    assert [round(100 * x, 1) for x in (delta.value, delta.ci_low, delta.ci_high)] == [4.3, 1.5, 7.1]
    assert "mcnemar_mid_p" in small.tests
    page = answer.content.decode()
    for words in ("742 of 1319", "458 of 1319", "+4.3 pts", "+1.5 pts to +7.1 pts", "McNemar", "Newcombe"):
        assert words in page


def test_runs_are_judged_at_the_level_of_the_policy(people):
    strict = experiments.several({"v1": 0.5, "v2": 0.9}, suite=SUITE | {"alpha": 0.01}, **people)[0]
    reference, run = runs_of([strict], Arm.BASELINE)[0], runs_of([strict])[0]
    cell = multirun.compared(reference, [run], strict.policy)[0].cells[0]
    row = strict.comparisons.get(metric="exact_match")
    assert (cell.judged.compared.delta.as_json(), cell.judged.outcome) == (row.delta, row.outcome)
    path = f"/components/adder/compare/{query([strict])}"
    assert "with their 99 % interval" in signed_in(people["owner"]).get(path).content.decode()


def test_times_that_an_extension_kept_are_of_another_day(people):
    looks = SUITE | {"looks": {"to": "extended", "spending": "pocock"}}
    smoke = experiments.measured(**people, examples=40, tier="smoke", suite=looks)
    larger = experiments.extended(smoke, experiments.right_for([Arm.CANDIDATE]))
    alone = experiments.asked(larger.candidate, larger.baseline, larger.dataset_version, tier="extended")
    experiments.answer_all(alone, experiments.right_for([Arm.CANDIDATE]))
    conclusion.conclude(alone, at=clock.now())
    Run.objects.filter(experiment=alone).update(started_at=larger.started_at)
    kept, other, again = (*runs_of([larger]), *runs_of([larger], Arm.BASELINE), *runs_of([alone]))
    latency = REGISTRY["latency_p50"]
    assert multirun.unlike_metric(latency, kept, other) == ""
    assert "at another time" in multirun.unlike_metric(latency, again, kept)
