"""The evaluator's own settings: languages, hours, a limit for oneself, and keys."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect

from evaltrack import clock
from evaltrack.accounts import hours, profiles
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.models import Profile, User
from evaltrack.accounts.profiles import Limit
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Invalid
from evaltrack.htmx import page

MIDNIGHT, END_OF_DAY = "00:00", "24:00"


@requires(Permission.JUDGE)
def profile(request: PageRequest) -> HttpResponse:
    user = request.user
    if request.method != "POST":
        return shown(request, given=form_of(profiles.of(user), user))
    try:
        profiles.declare(by=user, at=clock.now(), **declared(request.POST))
    except Invalid as error:
        return shown(request, given=request.POST.dict(), errors=error.fields, status=422)
    messages.success(request, "Saved. It counts from your next task on.")
    return redirect("profile")


def declared(form: QueryDict) -> dict[str, Any]:
    return {
        "time_zone": form.get("time_zone", "").strip(),
        "working_hours": hours_in(form),
        "spoken": form.get("languages", "").replace(",", " ").split(),
        "limit": Limit(
            whole_number(form.get("judgments_per_day", "")), whole_number(form.get("minutes_per_day", ""))
        ),
        "single_keys": form.get("single_keys") == "on",
    }


def hours_in(form: QueryDict) -> dict[str, list[str]]:
    """Days with a beginning or an end. A browser's field for times knows no 24:00: midnight at the end is that."""
    found = {}
    for day in hours.WEEKDAYS:
        start, end = (form.get(f"{day}_{which}", "") for which in ("from", "to"))
        if start or end:
            found[day] = [start[:5], END_OF_DAY if end[:5] == MIDNIGHT else end[:5]]
    return found


def whole_number(text: str) -> int | None:
    """None where it was left empty; 0, which no limit may be, where it is no number."""
    text = text.strip()
    if not text:
        return None
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def form_of(row: Profile, user: User) -> dict[str, str]:
    """What is stored, in the form's words."""
    fields = {
        "time_zone": row.time_zone,
        "languages": ", ".join(user.languages.order_by("tag").values_list("tag", flat=True))
        if row.pk
        else "",
        "judgments_per_day": str(row.own_judgments_per_day or ""),
        "minutes_per_day": str(row.own_minutes_per_day or ""),
        "single_keys": "on" if row.single_keys else "",
    }
    for day, (start, end) in row.hours.items():
        fields |= {f"{day}_from": start, f"{day}_to": MIDNIGHT if end == END_OF_DAY else end}
    return fields


def shown(
    request: PageRequest,
    *,
    given: dict[str, str],
    errors: dict[str, list[str]] | None = None,
    status: int = 200,
) -> HttpResponse:
    errors, row = errors or {}, profiles.of(request.user)
    days = [
        {
            "day": day,
            "name": name,
            "start": given.get(f"{day}_from", ""),
            "end": given.get(f"{day}_to", ""),
            "problem": " ".join(errors.get(f"hours.{day}", [])),
        }
        for day, name in hours.WEEKDAYS.items()
    ]
    context = {
        "profile": row,
        "given": given,
        "days": days,
        "problems": {field: " ".join(sentences) for field, sentences in errors.items()},
        "zones": hours.zone_names(),
        "languages": request.user.languages.order_by("tag"),
        "grants": request.user.skill_grants.filter(revoked_at=None)
        .select_related("skill")
        .order_by("skill__label"),
        "limit": profiles.limit_of(request.user),
    }
    return page(request, "accounts/profile.html", context, status=status)
