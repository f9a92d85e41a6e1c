"""How one is told: everybody's own settings for mail."""

import datetime as dt

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect

from evaltrack import clock
from evaltrack.accounts import hours
from evaltrack.accounts.access import PageRequest
from evaltrack.errors import Invalid
from evaltrack.htmx import page
from evaltrack.notifications import preferences
from evaltrack.notifications.models import MailMode
from evaltrack.notifications.preferences import Choice
from evaltrack.notifications.timing import Quiet


def mail_preferences(request: PageRequest) -> HttpResponse:
    if request.method != "POST":
        return shown(request, given=form_of(preferences.of(request.user)))
    try:
        preferences.choose(chosen(request.POST), by=request.user, at=clock.now())
    except Invalid as error:
        return shown(request, given=request.POST.dict(), problem=error, status=422)
    messages.success(request, "Saved. What waits already goes by it, too.")
    return redirect("mail-preferences")


def chosen(form: QueryDict) -> Choice:
    start, end = (form.get(name, "").strip() for name in ("quiet_from", "quiet_to"))
    quiet = None
    if start or end:
        times = [time_of(each) for each in (start, end)]
        if times[0] is None or times[1] is None:
            sentence = "take a beginning and an end, such as 22:00 and 07:00"
            raise Invalid("bad_quiet_hours", f"Quiet hours {sentence}.", {"quiet": [sentence]})
        quiet = Quiet(times[0], times[1])
    hour = form.get("digest_hour", "")
    return Choice(
        mode=form.get("mode", ""),
        digest_hour=int(hour) if hour.isdecimal() and len(hour) < 3 else -1,
        quiet=quiet,
        zone=form.get("time_zone", "").strip(),
    )


def time_of(text: str) -> dt.time | None:
    """A browser's field for times may add seconds, which nobody means."""
    return dt.time.fromisoformat(text[:5]) if hours.is_time(text[:5]) and text[:5] != "24:00" else None


def form_of(choice: Choice) -> dict[str, str]:
    return {
        "mode": choice.mode,
        "digest_hour": str(choice.digest_hour),
        "quiet_from": f"{choice.quiet.start:%H:%M}" if choice.quiet else "",
        "quiet_to": f"{choice.quiet.end:%H:%M}" if choice.quiet else "",
        "time_zone": choice.zone,
    }


def shown(
    request: PageRequest, *, given: dict[str, str], problem: Invalid | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "given": given,
        "modes": MailMode.choices,
        "hours": [(str(hour), f"{hour:02}:00") for hour in range(24)],
        "zones": hours.zone_names(),
        "problem": problem,
    }
    return page(request, "notifications/preferences.html", context, status=status)
