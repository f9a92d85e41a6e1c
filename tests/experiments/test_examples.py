"""Which examples got worse: all of them are told once, the worst first, with what both arms said."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltrack import clock
from evaltrack.accounts.roles import Role
from experiments import conclusion, examples
from experiments.examples import Group
from experiments.models import Arm
from tests.accounts.callers import signed_in
from tests.conftest import person
from tests.factories import experiments
from tests.query_growth import no_query_growth

HOSTILE = "<script>alert(document)</script> **bold** \u202e"
VALUES = st.lists(
    st.tuples(*[st.one_of(st.none(), st.sampled_from([0.0, 0.25, 1.0]))] * 2), min_size=1, max_size=30
)


@given(VALUES, st.sampled_from(["higher", "lower"]))
def test_every_example_stands_in_one_group_and_larger_changes_stand_first(pairs, direction):
    old, new = zip(*pairs, strict=True)
    found = examples.changes(old, new, direction)
    assert sorted(change.index for change in found) == list(range(len(pairs)))
    for change in found:
        before, after = old[change.index], new[change.index]
        if before is None or after is None:
            assert change.group == (Group.UNDEFINED if before is after else Group.ONE_SIDED)
        elif before == after:
            assert change.group == Group.SAME
        else:
            assert change.group == (
                Group.BETTER if (after > before) == (direction == "higher") else Group.WORSE
            )
    for group in Group:
        sizes = [abs(change.gain or 0) for change in found if change.group == group]
        assert sizes == sorted(sizes, reverse=True)
    assert sum(examples.counts(found).values()) == len(pairs)


@given(VALUES)
def test_exchanging_the_arms_exchanges_worse_and_better(pairs):
    old, new = zip(*pairs, strict=True)
    one, other = (examples.counts(examples.changes(*both, "higher")) for both in ((old, new), (new, old)))
    assert (one[Group.WORSE], one[Group.BETTER]) == (other[Group.BETTER], other[Group.WORSE])


@pytest.fixture
def experiment(people):
    """q0 was right and is not any more, q1 gets no answer from the candidate, the rest are right in both."""

    def says(arm, output, expected):
        if arm == Arm.BASELINE or output.position > 1:
            return expected
        return HOSTILE if output.position == 0 else None

    row = experiments.submitted(**people, examples=30)
    experiments.answer_all(row, says)
    conclusion.conclude(row, at=clock.now())
    return row


@pytest.fixture
def ask(experiment, people):
    def get(query="", who=None):
        client = signed_in(who or people["owner"])
        return client.get(f"/experiments/{experiment.public_id}/examples/{query}")

    return get


def test_what_got_worse_stands_there_with_request_expectation_and_both_answers(ask, experiment):
    page = ask().content.decode()
    ids = re.findall(r'<h2 id="example-\d+"><a href="[^"]+">(.*?)</a></h2>', page)
    assert len(ids) == 2
    outputs = {output.position: output for output in experiment.outputs.filter(run__arm="candidate")}
    assert ids == [outputs[0].example_id, outputs[1].example_id]
    number = int(outputs[0].example_id.removeprefix("q"))
    assert f"What is {number} plus 1?" in page
    assert "No answer: rejected: HTTP 400" in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert f"<del>{number + 1}</del>" in page
    assert "-100.0 pts" in page


def test_groups_and_metrics_are_addresses_and_unknown_ones_do_not_exist(ask):
    page = ask("?metric=token_f1&group=same").content.decode()
    assert len(re.findall(r'<h2 id="example-', page)) == 10
    assert "1 to 10 of 28" in page
    assert len(re.findall(r'<h2 id="example-', ask("?group=same&page=3").content.decode())) == 8
    assert "No example is in this group" in ask("?group=better").content.decode()
    assert ask("?metric=nothing").status_code == 404
    assert ask("?group=nothing").status_code == 404


def test_who_may_not_read_the_dataset_sees_the_answers_alone(ask):
    page = ask(who=person("decides", Role.APPROVER)).content.decode()
    assert "No answer: rejected: HTTP 400" in page
    assert "plus 1?" not in page
    assert "shown to who may read" in page


def test_before_anything_is_scored_the_page_says_so(people):
    row = experiments.submitted(**people, examples=5)
    page = signed_in(people["owner"]).get(f"/experiments/{row.public_id}/examples/").content.decode()
    assert "Nothing is scored yet" in page


def test_it_costs_the_same_for_many_examples(people):
    rows = [experiments.measured(**people, examples=20)]
    browser = signed_in(people["owner"])

    def ask():
        answer = browser.get(f"/experiments/{rows[-1].public_id}/examples/?group=better")
        assert answer.status_code == 200

    def larger(number):
        rows.append(experiments.measured(**people, examples=40 + number, name=f"adder-{number}"))

    no_query_growth(ask, larger)
