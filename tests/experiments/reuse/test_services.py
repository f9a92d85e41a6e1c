"""Of services that are no chat: what belongs to a request beside its body."""

import json

import pytest

from evaltrack import clock
from experiments import registration
from tests.endpoint import Reply, adds, serve
from tests.experiments.reuse.playing import EXAMPLES, again, reused

pytestmark = pytest.mark.django_db

SERVICE = {
    "target": {"kind": "http_json", "headers": {"X-Tenant": "one"}},
    "request": {"question": "{{ input }}"},
    "response": {"answer": "long", "contexts": "found"},
}


@pytest.mark.parametrize(
    ("parts", "is_reused"),
    [
        ({"target": {"timeout_ms": 5_000, "concurrency": 2}}, True),
        ({"target": {"headers": {"X-Tenant": "two"}}}, False),
        ({"target": {"headers": {"X-Tenant": "one", "X-More": "1"}}}, False),
        ({"response": {"answer": "short"}}, False),
        ({"response": {"citations": "found"}}, False),
        ({"request": {"question": "{{ input }}", "top_k": 5}}, False),
    ],
    ids=str,
)
def test_of_a_service_headers_and_where_the_answer_stands_belong_to_the_request(first, parts, is_reused):
    def behave(call):
        return Reply(json.dumps({"long": "two words", "short": "2", "found": ["a"]}).encode())

    with serve(adds) as chat, serve(behave) as service:
        plain = first(chat)
        at = {"base_url": service.base_url}
        body = {**SERVICE, "target": {**SERVICE["target"], **at}}
        by, when = plain.component.owner, clock.now()
        version = registration.register_version(plain.component, version="v2", body=body, by=by, at=when)
        other = {name: {**body[name], **parts.get(name, {})} for name in body}
        changed = registration.register_version(plain.component, version="v3", body=other, by=by, at=when)
        assert reused(again(plain, candidate=version)) == {"baseline": EXAMPLES}
        further = again(plain, candidate=changed)
    found = further.outputs.filter(run__arm="candidate")
    assert found.filter(reused_from__isnull=False).count() == (EXAMPLES if is_reused else 0)
    if is_reused:
        assert {tuple(row.contexts) for row in found} == {("a",)}
