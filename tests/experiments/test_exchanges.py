"""One example, whole: the page says what was sent, and proves it or says that it cannot."""

import html
import json
import re
import zlib

import pytest

from evaltrack.accounts.roles import Permission, Role
from experiments import exchanges
from experiments.models import ComponentVersion, RawReply
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person
from tests.endpoint import Reply, adds, asked, says, serve
from tests.experiments.test_sealed import experiment as sealed  # noqa: F401  a fixture
from tests.factories import experiments

pytestmark = pytest.mark.django_db


@pytest.fixture
def measured(run):
    """An experiment that asked a real endpoint, and the bodies that came there."""
    bodies = []

    def heard(call):
        bodies.append(call.body)
        return adds(call)

    with serve(heard) as endpoint:
        return run(endpoint, examples=10), bodies


@pytest.fixture
def look(people):
    def get(experiment, example, who=None):
        return signed_in(who or people["owner"]).get(
            f"/experiments/{experiment.public_id}/example/", {"id": example}
        )

    return get


def test_what_the_page_says_was_sent_is_what_came_to_the_endpoint(measured, look):
    experiment, bodies = measured
    answer = look(experiment, "q4")
    assert answer.status_code == 200
    page = answer.content.decode()
    shown = [
        json.loads(html.unescape(each)) for each in re.findall(r"<pre [^>]*>(.*?)</pre>", page, re.DOTALL)
    ]
    assert [each["model"] for each in shown] == ["v1.0.0", "v1.1.0"]
    assert all(each in bodies for each in shown)
    assert page.count("its digest is the one that was recorded") == 2


def test_what_was_sent_otherwise_is_not_passed_off_as_what_was_sent(measured, look):
    experiment, _ = measured
    version = experiment.candidate
    changed = {**version.configuration, "prompt": {"user": "Another prompt: {{ input }}"}}
    ComponentVersion.objects.filter(pk=version.pk).update(configuration=changed)
    page = look(experiment, "q4").content.decode()
    assert page.count("Not what was sent:") == 1
    assert page.count("its digest is the one that was recorded") == 1


def test_every_repeat_has_its_place(run, look):
    with serve(adds) as endpoint:
        experiment = run(endpoint, examples=10, suite={**experiments.SUITE, "repeats": 3})
    names = re.findall(r'<h2 id="output-\d+">(.*?)</h2>', look(experiment, "q4").content.decode())
    assert names == [f"{arm}, repeat {n}" for arm in ("Baseline", "Candidate") for n in (1, 2, 3)]


def test_who_may_not_read_the_dataset_sees_the_answers_alone(measured, look):
    experiment, _ = measured
    page = look(experiment, "q4", who=person("decides", Role.APPROVER)).content.decode()
    assert "Model that answered" in page
    assert "plus 1" not in page
    assert "What was sent" not in page
    assert "shown to who may read" in page


def test_an_example_that_was_not_asked_about_does_not_exist(measured, look):
    experiment, _ = measured
    assert look(experiment, "q99").status_code == 404
    assert look(experiment, "").status_code == 404


def test_of_a_sealed_dataset_nobody_but_its_custodian_sees_one(sealed, look):  # noqa: F811
    assert look(sealed, "q1").status_code == 403


def test_what_was_brought_was_asked_by_nobody_here(people):
    experiment = experiments.measured(**people)
    ComponentVersion.objects.filter(pk=experiment.candidate_id).update(
        configuration={"target": {"kind": "uploaded"}}
    )
    whole = exchanges.of_example(experiment, "q1", reads_examples=True)
    assert [bool(each.request) for each in whole.exchanges] == [True, False]


HOSTILE = "<script>alert('x')</script>\u202e# no heading"


@pytest.fixture
def kept(run):
    """An experiment whose raw replies are kept; one of them is hostile, and one an error."""

    def behave(call):
        if asked(call) == 3:
            return Reply(b'{"error": "max_tokens is too large, <b>not</b> 5"}', 400)
        return says(HOSTILE) if asked(call) == 4 else adds(call)

    with serve(behave) as endpoint:
        return run(endpoint, examples=10, suite={**experiments.SUITE, "keep_replies": True})


def folded(page):
    """What stands within the details of what came back, of each arm."""
    return re.findall(r"<details>\s*<summary>What came back<.*?</details>", page, re.DOTALL)


def test_what_came_back_is_shown_whole_as_text_and_proven(kept, look):
    page = look(kept, "q4").content.decode()
    assert len(folded(page)) == 2
    for shown, arm in zip(folded(page), ("baseline", "candidate"), strict=True):
        row = kept.outputs.get(example_id="q4", run__arm=arm).raw_reply
        text, is_as_kept = row.read()
        assert is_as_kept
        assert row.digest in shown
        assert "it has the digest by which the output names it" in shown
        assert "<script" not in shown
        assert html.unescape(re.search(r"<pre [^>]*>(.*?)</pre>", shown, re.DOTALL)[1]) == text
        assert json.loads(text)["choices"][0]["message"]["content"] == HOSTILE
    # Characters that turn text around do not do so here.
    assert "\u202e" not in page


def test_an_error_is_there_with_all_that_the_endpoint_said(kept, look):
    page = look(kept, "q3").content.decode()
    assert all("&lt;b&gt;not&lt;/b&gt; 5&quot;}" in each for each in folded(page))


def test_a_reply_that_was_changed_is_not_passed_off_as_what_was_kept(kept, look):
    row = kept.outputs.get(example_id="q4", run__arm="baseline").raw_reply
    RawReply.objects.filter(pk=row.pk).update(body=zlib.compress(b"something else"))
    shown = folded(look(kept, "q4").content.decode())
    assert all("Not what was kept:" in each for each in shown)
    RawReply.objects.filter(pk=row.pk).update(body=b"no such thing")
    assert all("Not what was kept:" in each for each in folded(look(kept, "q4").content.decode()))


def test_what_was_cut_says_so(kept, look):
    RawReply.objects.update(is_cut=True)
    assert all(
        "it was longer, and these are its first" in each for each in folded(look(kept, "q4").content.decode())
    )


def test_who_may_not_read_the_dataset_sees_no_raw_replies_as_services_repeat_what_they_are_asked(kept, look):
    page = look(kept, "q4", who=person("decides", Role.APPROVER)).content.decode()
    assert "Model that answered" in page
    assert not folded(page)


def test_the_page_of_an_experiment_says_whether_replies_are_kept(kept, run, people):
    client = signed_in(people["owner"])
    assert "kept whole, beside what is read from them" in client.get(kept.get_absolute_url()).content.decode()
    with serve(adds) as endpoint:
        plain = run(endpoint, examples=10, name="other")
    assert "kept whole" not in client.get(plain.get_absolute_url()).content.decode()


def test_the_lines_of_a_run_name_what_was_kept(kept, people):
    run = kept.runs.get(arm="candidate")
    answer = bearer(people["owner"], Permission.VIEW_EXPERIMENTS).get(
        f"/api/v1/runs/{run.public_id}/outputs?collected=true"
    )
    lines = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    digests = {line["example"]: line["collected"]["raw_reply_digest"] for line in lines}
    assert digests == dict(run.outputs.values_list("example_id", "raw_reply"))
    assert all(digests.values())
