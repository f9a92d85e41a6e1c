"""What the demo starts from: people, the golden dataset, two components and the rules of their gate."""

import datetime as dt
import functools
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.hashers import make_password

from datasets import ingest, versions
from datasets.models import Dataset, DatasetVersion
from evaltrack import clock
from evaltrack.accounts import grants, tokens
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import SCOPES, Permission, Role
from experiments import registration
from experiments.models import Component, ComponentVersion, GatePolicy

GOLDEN = Path(__file__).parent / "content" / "faq-golden.jsonl"
DATASET, VERSION = "faq-golden", "3.2"
PASSWORD = "evaltrack-demo"
EVALUATORS = [f"evaluator{number:02d}" for number in range(1, 9)]
SIMULATED = [f"simulated{number:02d}" for number in range(1, 5)]
PEOPLE = {
    "admin": ("Ada", "Bright"),
    "platform": ("Piotr", "Lang"),
    "owner": ("Olivia", "Marsh"),
    "approver": ("Anil", "Rao"),
    "lead": ("Lena", "Voss"),
    "custodian": ("Chidi", "Okafor"),
    "auditor": ("Aiko", "Sato"),
}
ABSTENTION = "could not find this in our help pages"
POLICY = {
    "metrics": [
        {
            "metric": "accuracy",
            "role": "gating",
            "margin": 0.03,
            "reason": "Three wrong answers in a hundred more would be noticed by the service desk.",
            "parameters": {"abstention": ABSTENTION},
        },
        {
            "metric": "factuality",
            "role": "gating",
            "margin": 0.03,
            "reason": "The same loss as for accuracy, counted by fact.",
            "parameters": {"abstention": ABSTENTION},
        },
        {"metric": "token_f1", "role": "secondary", "margin": 0.05},
        {
            "metric": "format_compliance",
            "role": "guardrail",
            "margin": 0.05,
            "reason": "Answers without a source are handed to a person; one in twenty more is affordable.",
            "parameters": {"pattern": r".*(\[[a-z0-9-]+\]|could not find this in our help pages\.)"},
        },
        {"metric": "latency_p50", "role": "secondary", "margin": 100},
        {
            "metric": "latency_p95",
            "role": "guardrail",
            "margin": 500,
            "reason": "Half a second more is felt in a chat.",
        },
        {"metric": "latency_p99", "role": "secondary", "margin": 500},
        {"metric": "input_tokens", "role": "secondary"},
        {"metric": "output_tokens", "role": "secondary", "margin": 20},
    ],
    "human": {
        "items": 20,
        "overlap": 2,
        "margin": 0.25,
        "floor": 0.4,
        "proxy": "factuality",
        "proxy_may_pass": True,
    },
}
CONFIGURATIONS = {
    "customer-faq": ("rag", "high", {"v1.1.3": "faq-rag-tfidf", "v1.2.0": "faq-rag-hybrid"}),
    "store-finder": ("prompt", "low", {"v0.4.0": "finder-short", "v0.5.0": "finder-cited"}),
}


@dataclass(frozen=True)
class World:
    """The rows that the walks need."""

    people: dict[str, User]
    ci: User
    dataset_version: DatasetVersion
    components: dict[str, Component]
    versions: dict[tuple[str, str], ComponentVersion]


def seed(*, base_url: str) -> World:
    """Make what is missing, through the acts; what is there stays as it is."""
    at = clock.now()
    people = {name: person(name, Role(name), at=at) for name in PEOPLE}
    for name in EVALUATORS:
        people[name] = person(name, Role.EVALUATOR, at=at)
        grants.accept_agreement(people[name], at=at)
    for name in SIMULATED:
        people[name] = machine(name)
        grants.grant(people[name], Role.EVALUATOR, by=None, at=at)
        grants.accept_agreement(people[name], at=at)
    ci = machine("ci")
    version = golden(people["custodian"], at=at)
    policy = registration.activate_policy("faq-quality", POLICY, by=people["platform"], at=at)
    components, found = {}, {}
    for name, (kind, risk, models) in CONFIGURATIONS.items():
        components[name] = component(name, kind, risk, policy, people, at=at)
        for number, model in models.items():
            found[name, number] = component_version(
                components[name], number, configuration(base_url, model), people, at=at
            )
    return World(people, ci, version, components, found)


def person(username: str, role: Role, *, at: dt.datetime) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        first, last = PEOPLE.get(username, ("Evaluator", username[-2:]))
        user = User.objects.create(
            username=username,
            email=f"{username}@example.invalid",
            first_name=first,
            last_name=last,
            password=password_hash(),
        )
    grants.grant(user, role, by=None, at=at)
    return user


@functools.cache
def password_hash() -> str:
    """One for everybody, who have the same password anyway: a hash is made to be slow."""
    return make_password(PASSWORD)


def machine(username: str) -> User:
    user, created = User.objects.get_or_create(username=username, defaults={"is_machine": True})
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


def golden(custodian: User, *, at: dt.datetime) -> DatasetVersion:
    existing = DatasetVersion.objects.filter(dataset__slug=DATASET, version=VERSION).first()
    if existing is not None:
        return versions.publish(existing, by=custodian, at=at)
    dataset = Dataset.objects.filter(slug=DATASET).first() or ingest.register(
        slug=DATASET,
        name="Questions to the help desk of Fernweg Outfitters",
        use_case="Customer questions about orders, returns, products and stores.",
        sensitivity="internal",
        custodian=custodian,
        by=custodian,
        at=at,
    )
    with GOLDEN.open("rb") as lines:
        row = ingest.take_in(dataset, version=VERSION, lines=lines, by=custodian, at=at)
    return versions.publish(row, by=custodian, at=at)


def component(
    name: str, kind: str, risk: str, policy: GatePolicy, people: dict[str, User], *, at: dt.datetime
) -> Component:
    return Component.objects.filter(name=name).first() or registration.register_component(
        name=name, kind=kind, risk=risk, owner=people["owner"], policy=policy, by=people["platform"], at=at
    )


def component_version(
    row: Component, number: str, body: dict, people: dict[str, User], *, at: dt.datetime
) -> ComponentVersion:
    return row.versions.filter(version=number).first() or registration.register_version(
        row, version=number, body=body, by=people["platform"], at=at
    )


def configuration(base_url: str, model: str) -> dict:
    return {
        "target": {"kind": "openai_chat", "base_url": base_url, "model": model, "concurrency": 16},
        "prompt": {
            "system": "Answer from the help pages of Fernweg Outfitters only, and cite the page.",
            "user": "{{ input }}",
        },
        "parameters": {"temperature": 0, "max_tokens": 256},
    }


def token(ci: User) -> str:
    """A token that may make every call but those of the queue; the one of an earlier start is revoked."""
    at = clock.now()
    for old in ci.tokens.filter(name="demo", revoked_at=None):
        tokens.revoke(old, by=ci, at=at)
    return tokens.issue(ci, name="demo", scopes=SCOPES - {Permission.JUDGE}, by=None, at=at)


def accounts() -> list[dict[str, str]]:
    """The logins, as `var/demo.json` lists them."""
    named = [(name, name) for name in PEOPLE] + [("evaluator", name) for name in EVALUATORS]
    return [{"role": role, "username": name, "password": PASSWORD} for role, name in named]
