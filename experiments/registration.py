"""Acts: register components, their versions, and gate policies."""

import datetime as dt
import re
from typing import Any

from django.db import IntegrityError, transaction

from evaltrack.accounts.models import User
from evaltrack.canonical import digest
from evaltrack.errors import Conflict, Invalid, NotFound, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from experiments import policies, standard_suites, suite, targets
from experiments.judging import judges
from experiments.models import Component, ComponentKind, ComponentVersion, GatePolicy

# It stands in addresses, in the ledger and on the approver's page: nothing invisible, nothing that leads elsewhere.
VERSION = re.compile(r"[A-Za-z0-9._+-]{1,40}")


def register_component(
    *, name: str, kind: str, risk: str, owner: User, policy: GatePolicy | None, by: User, at: dt.datetime
) -> Component:
    try:
        with transaction.atomic():
            return Component.objects.create(
                name=name, kind=kind, risk=risk, owner=owner, policy=policy, created_by=by, created_at=at
            )
    except IntegrityError:
        raise Conflict(
            "component_exists", f"There is a component {name!r} already; add a version to it."
        ) from None


@transaction.atomic
def register_version(
    component: Component, *, version: str, body: dict[str, Any], by: User, at: dt.datetime
) -> ComponentVersion:
    """Keep an immutable configuration. The same version with the same configuration answers with the first."""
    refuse_if(policies.changing(by, component))
    if not VERSION.fullmatch(version):
        sentence = "may hold letters, digits and . _ + - only, up to 40 of them"
        raise Invalid("bad_version", f"version {sentence}", {"version": [sentence]})
    target = targets.parse(body)
    refuse_if(policies.asking(target))
    if component.kind == ComponentKind.JUDGE:
        refuse_if(judges.judging(target))
    fingerprint = digest(body)
    if existing := component.versions.filter(version=version).first():
        if existing.digest == fingerprint:
            return existing
        raise Conflict(
            "version_exists",
            f"{component} {version} exists with another configuration. Versions never change; choose a new one.",
        )
    row = ComponentVersion.objects.create(
        component=component,
        version=version,
        configuration=body,
        digest=fingerprint,
        created_by=by,
        created_at=at,
    )
    record(
        Event.COMPONENT_VERSION_REGISTERED, by=by, subject=row, facts={"configuration": fingerprint}, at=at
    )
    return row


def policy_named(name: str, *, by: User, at: dt.datetime) -> GatePolicy:
    """The newest version of a policy, or a standard suite, which comes into force when it is first used."""
    found = GatePolicy.objects.filter(name=name).order_by("-version").first()
    if found:
        return found
    if name in standard_suites.SUITES:
        return activate_policy(name, standard_suites.SUITES[name], by=by, at=at)
    known = ", ".join(standard_suites.SUITES)
    raise NotFound("no_such_suite", f"There is no suite {name!r}. Those that are always there are {known}.")


@transaction.atomic
def activate_policy(name: str, body: dict[str, Any], *, by: User, at: dt.datetime) -> GatePolicy:
    """The newest version of the policy `name` with this body, made where it is new."""
    rules = suite.parse(body)
    refuse_if(policies.scoring(rules))
    judges.of(rules)
    complete = rules.as_json()
    fingerprint = digest(complete)
    newest = GatePolicy.objects.filter(name=name).order_by("-version").first()
    # As it reads today: an older server left out what it did not know, which is no other rule.
    if newest and digest(suite.parse(newest.body).as_json()) == fingerprint:
        return newest
    version = newest.version + 1 if newest else 1
    try:
        with transaction.atomic():
            row = GatePolicy.objects.create(
                name=name, version=version, body=complete, digest=fingerprint, created_by=by, created_at=at
            )
    except IntegrityError:
        # Somebody activated the next version at the same moment; the same rules are the same version.
        row = GatePolicy.objects.get(name=name, version=version)
        if row.digest == fingerprint:
            return row
        raise Conflict(
            "policy_changed", f"{name} was changed by somebody else; look and try again."
        ) from None
    record(
        Event.GATE_POLICY_ACTIVATED,
        by=by,
        subject=row,
        facts={"name": name, "version": row.version, "policy": fingerprint},
        at=at,
    )
    return row
