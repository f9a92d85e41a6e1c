"""The table of addresses, walked by everybody. An address that is missing in it fails."""

import uuid
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, get_resolver
from django_q.models import OrmQ, Schedule, Task

from annotation import setups
from annotation.onboarding import sittings
from evaltrack import clock
from evaltrack.accounts.models import ApiToken, RoleGrant, User
from evaltrack.accounts.roles import SCOPES, Permission, Role
from evaltrack.ledger import checkpoints
from evaltrack.ledger.models import Checkpoint, LedgerEntry
from evaltrack.notifications import channels
from experiments import promotion
from experiments.models import PromotionRequest
from tests.accounts.callers import bearer, signed_in
from tests.accounts.role_table import ADMIN, CALLS, PAGES, ROLES, SCHEMA
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import courses, experiments, settling


def addresses(resolver=None, before=""):
    """Every pattern of the site, with its view."""
    for found in (resolver or get_resolver()).url_patterns:
        pattern = f"{before}{found.pattern}"
        if isinstance(found, URLResolver):
            yield from addresses(found, pattern)
        else:
            yield pattern, found.callback


def test_every_address_of_the_site_is_in_the_table():
    in_table = {
        *(pattern for _, pattern, _ in PAGES),
        *(f"api/v1/{pattern}" for _, pattern, *_ in CALLS),
        *(f"admin/{pattern}" for _, pattern, _ in ADMIN),
        SCHEMA,
    }
    assert {pattern for pattern, _ in addresses()} == in_table


def test_every_method_of_the_api_is_in_the_table():
    offered = {
        (method, pattern.removeprefix("api/v1/"))
        for pattern, view in addresses()
        if hasattr(getattr(view, "view_class", None), "permissions")
        for method in view.view_class.permissions
    }
    assert offered == {(method, pattern) for method, pattern, *_ in CALLS}


def test_every_call_that_the_api_answers_names_its_permission():
    for pattern, view in addresses():
        if pattern.startswith("api/v1/") and pattern != SCHEMA:
            handlers = {
                m.upper() for m in ("get", "post", "put", "patch", "delete") if hasattr(view.view_class, m)
            }
            assert handlers == set(view.view_class.permissions), pattern


def test_all_eight_roles_walk():
    assert set(ROLES.split()) == set(Role.values)


# ── The walk ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Site:
    """A site with one of everything, all of it the owner's, and somebody of each role."""

    people: dict[str, User]
    named: dict[str, str]
    rows: dict[str, str]

    def path(self, pattern: str) -> str:
        for placeholder, value in self.named.items():
            pattern = pattern.replace(placeholder, value)
        assert "<" not in pattern, pattern
        return f"/{pattern}"

    def desk(self, pattern: str) -> str:
        if pattern.startswith("^"):
            return "/admin/experiments/"
        if pattern.startswith("("):
            return "/admin/no-such-page/"
        model = "/".join(pattern.split("/")[:2])
        row = self.rows.get(model, "1")
        for placeholder in ("<path:object_id>", "<int:object_id>", "<id>"):
            pattern = pattern.replace(placeholder, row)
        return f"/admin/{pattern.replace('<path:content_type_id>', '1')}"


@pytest.fixture
def site(request, db):
    people = {name: request.getfixturevalue(name) for name in ROLES.split()[1:] if name != "evaluator"}
    people |= {
        "admin": request.getfixturevalue("admin_person"),
        "evaluator": request.getfixturevalue("evaluator_one"),
        "outsider": request.getfixturevalue("outsider"),
    }
    makers = {name: people[name] for name in ("owner", "platform", "custodian")}
    campaign = factory.open_campaign(**makers)
    decided = experiments.measured(name="subtracter", **makers)
    asked = promotion.request(
        decided, environment="staging", reason="It is measurably better.", by=people["owner"], at=clock.now()
    )
    test = experiments.live_test(campaign.experiment, by=people["owner"])
    shown = factory.next_for(people["evaluator"])
    heard = settling.next_conflict_of_others(people["lead"], people["evaluator"])
    rule = {"pass_mark": 1, "items": 1, "retries": 0, "wait_hours": 0}
    course = courses.course(people["lead"], training=1, test=1, **rule)
    setup = setups.begin(protocol="pairwise", by=people["lead"], at=clock.now())
    training = sittings.start(course, "training", by=people["evaluator"], at=clock.now())
    bearer(people["owner"], Permission.VIEW_EXPERIMENTS)
    channel, _ = channels.add(
        name="Leads",
        kind="slack",
        address="https://127.0.0.1/x",
        topics=["escalations"],
        by=people["lead"],
        at=clock.now(),
    )
    checkpoints.issue(clock.now())
    at = clock.now()
    Group.objects.create(name="no such thing here")
    Schedule.objects.create(func="builtins.print")
    for number, success in enumerate([True, False]):
        Task.objects.create(id=f"{number}", name="n", func="f", started=at, stopped=at, success=success)
    rows = {
        "auth/group": Group.objects.first().pk,
        "accounts/user": people["outsider"].pk,
        "accounts/rolegrant": RoleGrant.objects.first().pk,
        "accounts/apitoken": ApiToken.objects.first().pk,
        "ledger/ledgerentry": LedgerEntry.objects.first().pk,
        "ledger/checkpoint": Checkpoint.objects.first().pk,
        "experiments/experiment": decided.pk,
        "experiments/promotionrequest": asked.pk,
        "django_q/schedule": Schedule.objects.first().pk,
        "django_q/success": "0",
        "django_q/failure": "1",
        "django_q/ormq": OrmQ.objects.first().pk,
    }
    version = campaign.experiment.dataset_version
    return Site(
        people,
        named={
            "new/for/<str:public_id>": f"new/for/{campaign.experiment.public_id}",
            "<uuid:setup_id>": str(setup.public_id),
            "experiments/<str:public_id>": f"experiments/{campaign.experiment.public_id}",
            "promotions/<str:public_id>": f"promotions/{asked.public_id}",
            "live-tests/<str:public_id>": f"live-tests/{test.public_id}",
            "<str:pseudonym>": people["evaluator"].pseudonym,
            "<uuid:public_id>": str(campaign.public_id),
            "<uuid:run_id>": str(campaign.experiment.runs.first().public_id),
            "<uuid:channel_id>": str(channel.public_id),
            "<uuid:assignment_id>": str(shown.public_id),
            "<uuid:hearing_id>": str(heard.public_id),
            "<uuid:judgment_id>": str(shown.judgment_id),
            "<slug:slug>": version.dataset.slug,
            "<str:version>": version.version,
            "<str:metric>": "exact_match",
            "<str:name>": campaign.experiment.component.name,
            "<uuid:pause_id>": str(shown.public_id),
            "<int:index>": "0",
            "<int:place>": "1",
            "<uuid:course_id>": str(training.course.public_id),
            "<uuid:sitting_id>": str(training.public_id),
            "<int:ordinal>": "1",
            "<path:rubric>": training.course.rubric_name,
        },
        rows={model: str(row) for model, row in rows.items()},
    )


def refused(response) -> bool:
    """Whether the door was shut; what an act says behind the door is another matter."""
    if response.status_code in (301, 302):
        leaving = response.request["PATH_INFO"] == "/admin/logout/" and response.url == "/admin/"
        return leaving or response.url.startswith(("/login/?next=", "/admin/login/?next="))
    if response.headers.get("Content-Type", "").startswith("application/json"):
        return response.status_code == 401 or response.json().get("code") == "not_permitted"
    if response.status_code == 403:
        return "is not yours" not in response.content.decode()
    return False


def ask(client: Client, method: str, path: str):
    """The answer, and everything as it was before."""
    with transaction.atomic():
        if method == "POST" and path.startswith("/api/"):
            response = client.post(path, {}, content_type="application/json")
        else:
            response = getattr(client, method.lower())(path)
        transaction.set_rollback(True)
    assert response.status_code < 500, (method, path)
    return response


def differences(site, table, path_of):
    """Rows of the table that are not as the site answers."""
    found = []
    walkers = {name: signed_in(user) for name, user in site.people.items()} | {"anonymous": Client()}
    for method, pattern, allowed, *_ in table:
        for name, client in walkers.items():
            cookies = client.cookies.copy()
            entered = not refused(ask(client, method, path_of(pattern)))
            client.cookies = cookies  # who was signed out comes back
            if entered != (name in allowed.split()):
                found.append(f"{name} {'may' if entered else 'may not'} {method} {pattern}")
    return found


def test_who_may_enter_which_page(site):
    assert differences(site, PAGES, site.path) == []


def test_who_may_make_which_call_while_signed_in(site):
    assert differences(site, CALLS, lambda pattern: site.path(f"api/v1/{pattern}")) == []


def test_who_may_enter_which_desk(site):
    assert differences(site, ADMIN, site.desk) == []


def test_a_machine_may_make_the_calls_of_its_scopes(site, ci):
    wrong = []
    for method, pattern, _, scopes in CALLS:
        path = site.path(f"api/v1/{pattern}")
        needed = set(scopes.split())
        for given, expected in [(needed, True), (set(SCOPES) - needed, False)]:
            if refused(ask(bearer(ci, *given), method, path)) == expected:
                wrong.append((method, pattern, sorted(given)))
    assert wrong == []


def test_a_person_may_make_a_call_that_both_role_and_scope_allow(site):
    wrong = []
    clients = {
        name: (
            bearer(user, *SCOPES),
            {scope: bearer(user, *(SCOPES - set(scope.split()))) for *_, scope in CALLS},
        )
        for name, user in site.people.items()
    }
    for method, pattern, allowed, scopes in CALLS:
        path = site.path(f"api/v1/{pattern}")
        for name, (with_all, without) in clients.items():
            if refused(ask(with_all, method, path)) == (name in allowed.split()):
                wrong.append(f"{name} with every scope: {method} {pattern}")
            if not refused(ask(without[scopes], method, path)):
                wrong.append(f"{name} without {scopes}: {method} {pattern}")
    assert wrong == []


def test_the_contract_is_read_by_whoever_is_known(site, ci):
    assert Client().get(f"/{SCHEMA}").status_code == 401
    for user in (site.people["outsider"], site.people["evaluator"]):
        assert signed_in(user).get(f"/{SCHEMA}").status_code == 200
    assert bearer(ci, Permission.JUDGE).get(f"/{SCHEMA}").status_code == 200


def test_only_an_approver_decides(site):
    row = PromotionRequest.objects.get()
    form = {"decision": "approve", "reason": "It is better and safe.", "seen_digest": row.decision_digest}
    path = f"/admin/experiments/promotionrequest/{row.pk}/decide/"
    for name in ROLES.split():
        with transaction.atomic():
            signed_in(site.people[name]).post(path, form)
            row.refresh_from_db()
            assert row.status == ("approved" if name == "approver" else "open"), name
            transaction.set_rollback(True)


def test_pages_send_people_who_are_not_signed_in_to_the_login_and_back(site):
    for method, pattern, allowed in PAGES:
        if "anonymous" not in allowed:
            response = ask(Client(), method, site.path(pattern))
            assert response.status_code == 302
            assert response.url.startswith("/login/?next=/")


# ── Owners ───────────────────────────────────────────────────────────────────────────────────────────


def test_another_owner_sees_none_of_it(site):
    """Not in lists, not by address, not by API, not at the desk."""
    stranger = person("stranger", Role.OWNER)
    clients = [signed_in(stranger), bearer(stranger, *SCOPES)]
    names = [site.named["experiments/<str:public_id>"].split("/")[1], "adder", "subtracter"]
    campaign, asked = site.named["<uuid:public_id>"], PromotionRequest.objects.get()
    for path in (
        "/",
        "/components/",
        "/experiments/",
        "/experiments/queue/",
        "/campaigns/",
        "/promotions/",
        "/admin/experiments/experiment/",
    ):
        page = clients[0].get(path).content.decode()
        assert not [name for name in [*names, campaign, asked.public_id] if name in page], path
    for call in ("experiments", "components", "campaigns", "promotions"):
        for client in clients:
            assert client.get(f"/api/v1/{call}").json()["results"] == []
    for method, pattern in [
        ("GET", "components/<str:name>/"),
        ("GET", "components/<str:name>/production/"),
        ("GET", "components/<str:name>/series/"),
        ("GET", "api/v1/components/<str:name>/metrics/<str:metric>/points"),
        ("GET", "components/<str:name>/planner/"),
        ("GET", "components/<str:name>/backtest/"),
        ("POST", "components/<str:name>/backtest/"),
        ("POST", "api/v1/components/<str:name>/backtest"),
        ("GET", "components/<str:name>/compare/"),
        ("POST", "components/<str:name>/compare/save/"),
        ("POST", "components/<str:name>/compare/forget/"),
        ("GET", "experiments/<str:public_id>/"),
        ("GET", "experiments/<str:public_id>/examples/"),
        ("GET", "experiments/<str:public_id>/example/"),
        ("POST", "experiments/<str:public_id>/cancel/"),
        ("POST", "experiments/<str:public_id>/pause/"),
        ("POST", "experiments/<str:public_id>/resume/"),
        ("POST", "experiments/<str:public_id>/rerun/"),
        ("POST", "experiments/<str:public_id>/extend/"),
        ("POST", "api/v1/experiments/<str:public_id>/extend"),
        ("GET", "promotions/<str:public_id>/"),
        ("POST", "promotions/<str:public_id>/withdraw/"),
        ("GET", "campaigns/<uuid:public_id>/"),
        ("GET", "campaigns/<uuid:public_id>/standing/"),
        ("GET", "campaigns/<uuid:public_id>/pairs/"),
        ("GET", "campaigns/<uuid:public_id>/conflicts/"),
        ("GET", "api/v1/campaigns/<uuid:public_id>/conflicts"),
        ("GET", "api/v1/campaigns/<uuid:public_id>/labels"),
        ("GET", "api/v1/experiments/<str:public_id>"),
        ("POST", "api/v1/experiments/<str:public_id>/cancel"),
        ("POST", "api/v1/experiments/<str:public_id>/pause"),
        ("POST", "api/v1/experiments/<str:public_id>/resume"),
        ("GET", "api/v1/runs/<uuid:run_id>"),
        ("GET", "api/v1/runs/<uuid:run_id>/examples"),
        ("GET", "api/v1/runs/<uuid:run_id>/outputs"),
        ("POST", "api/v1/runs/<uuid:run_id>/finish"),
        ("GET", "api/v1/components/<str:name>/versions"),
        ("GET", "api/v1/campaigns/<uuid:public_id>"),
        ("GET", "api/v1/campaigns/<uuid:public_id>/agreement"),
        ("GET", "api/v1/campaigns/<uuid:public_id>/preferences"),
        ("GET", "api/v1/campaigns/<uuid:public_id>/export"),
        ("GET", "api/v1/promotions/<str:public_id>"),
        ("GET", "live-tests/<str:public_id>/"),
        ("POST", "live-tests/<str:public_id>/end/"),
        ("GET", "api/v1/live-tests/<str:public_id>"),
        ("POST", "api/v1/live-tests/<str:public_id>/end"),
        ("GET", "api/v1/production/<str:name>"),
        ("GET", "api/v1/production/<str:name>/quality"),
        ("POST", "api/v1/production/<str:name>/samples"),
    ]:
        for client in clients if pattern.startswith("api/") else clients[:1]:
            assert ask(client, method, site.path(pattern)).status_code == 404, pattern


def test_the_owner_sees_their_own(site):
    client = signed_in(site.people["owner"])
    assert client.get(site.path("experiments/<str:public_id>/")).status_code == 200
    assert client.get(site.path("campaigns/<uuid:public_id>/")).status_code == 200
    assert client.get(site.path("promotions/<str:public_id>/")).status_code == 200
    assert len(client.get("/api/v1/components").json()["results"]) == 2


def test_another_evaluator_cannot_touch_an_assignment(site):
    other = signed_in(signed(person("other", Role.EVALUATOR)))
    for act in ("submit", "skip"):
        answer = other.post(site.path(f"review/<uuid:assignment_id>/{act}/"))
        assert answer.status_code == 403
    unknown = other.post(f"/review/{uuid.uuid4()}/submit/")
    assert unknown.status_code == 403
