"""What a dataset still tells: always passed, never passed, and references that look wrong."""

import pytest

from evaltrack import clock
from experiments import conclusion, health
from experiments.models import Arm
from tests.accounts.callers import signed_in
from tests.conftest import person
from tests.factories import experiments

SUITE = {
    "metrics": [{"metric": "exact_match", "role": "gating"}, {"metric": "output_tokens", "role": "secondary"}]
}
PAGE = "/datasets/golden/1.0/health/"


@pytest.fixture
def answered(people):
    """Four systems that are right on the first 6, 12, 18 and 24 of 30 sums, and all say "7" to the last."""
    row = experiments.component(people["owner"], people["platform"], suite=SUITE)
    golden = experiments.dataset_version(people["custodian"], examples=30)
    made = [experiments.component_version(row, people["platform"], version=f"v{n}") for n in range(4)]

    def says(right):
        def saying(arm, output, expected):
            number = int(output.example_id.removeprefix("q"))
            if number == 29:
                return "Seven: 7!"
            # The better of the two fails the first.
            if number == 0 and right[arm] > 12:
                return "no"
            return expected if number < right[arm] else f"no {arm} {number}"

        return saying

    for baseline, candidate in ((0, 1), (2, 3)):
        asked = experiments.asked(made[candidate], made[baseline], golden)
        right = {Arm.BASELINE: 6 * (baseline + 1), Arm.CANDIDATE: 6 * (candidate + 1)}
        experiments.answer_all(asked, says(right))
        conclusion.conclude(asked, at=clock.now())
    return golden


def test_it_counts_what_divides_and_what_does_not(answered, custodian):
    found = health.of(answered, "exact_match", seen_by=custodian)
    assert (found.systems, found.examples) == (4, 30)
    assert found.always == ["q1", "q2", "q3", "q4", "q5"] == sorted(found.always)
    assert set(found.never) == {f"q{n}" for n in range(24, 30)}
    assert found.telling == 30 - 5 - 6
    assert found.best.value == pytest.approx(23 / 30)
    assert not found.saturated


def test_references_that_look_wrong_come_first(answered, custodian):
    found = health.of(answered, "exact_match", seen_by=custodian)
    (same, backwards) = found.doubtful
    assert (same.example, same.answer, same.share) == ("q29", "seven 7", 1.0)
    assert (backwards.example, backwards.answer) == ("q0", None)
    assert backwards.discrimination < -0.5


def test_a_system_counts_once_with_its_newest_run(answered, custodian):
    row = answered.experiments.first()
    again = experiments.asked(row.candidate, row.baseline, answered)
    experiments.answer_all(again, lambda arm, output, expected: expected)
    conclusion.conclude(again, at=clock.now())
    found = health.of(answered, "exact_match", seen_by=custodian)
    assert found.systems == 4
    assert found.best.value == 1.0


def test_only_metrics_that_are_right_or_wrong(answered, custodian):
    assert health.metrics_of(answered, seen_by=custodian) == ["exact_match"]


def test_of_others_only_those_who_keep_datasets_see_results(answered, custodian):
    stranger = person("stranger", "owner")
    assert health.metrics_of(answered, seen_by=stranger) == []
    assert "Nothing was measured" in signed_in(stranger).get(PAGE).content.decode()


def test_the_page(answered, custodian, approver):
    page = signed_in(custodian).get(PAGE).content.decode()
    for words in ("19 of 30", "q29", "seven 7", "What is 29 plus 1?", "the better systems fail it", "76.7 %"):
        assert words in page
    assert "v3" not in page
    without = signed_in(approver).get(PAGE).content.decode()
    assert "q29" in without
    assert "seven 7" not in without
    assert "What is 29 plus 1?" not in without
    assert signed_in(custodian).get(PAGE + "?metric=charm").status_code == 404
    assert signed_in(custodian).get("/datasets/golden/9.9/health/").status_code == 404


def test_two_systems_are_too_few(people, custodian):
    row = experiments.measured(**people)
    version = row.dataset_version
    page = signed_in(custodian).get(f"/datasets/{version.dataset.slug}/{version.version}/health/")
    assert "2 systems answered it so far" in page.content.decode()


def test_a_dataset_that_the_best_passes_is_saturated(people, custodian):
    row = experiments.measured(**people, examples=100)
    found = health.of(row.dataset_version, "exact_match", seen_by=custodian)
    assert found.saturated
    version = row.dataset_version
    page = signed_in(custodian).get(f"/datasets/{version.dataset.slug}/{version.version}/health/")
    assert "It is saturated" in page.content.decode()


def test_it_costs_the_same_for_many_examples(answered, custodian, django_assert_max_num_queries):
    client = signed_in(custodian)
    client.get(PAGE)
    with django_assert_max_num_queries(22):
        client.get(PAGE)
