"""The confidentiality agreement: the evaluator's page to sign it, and the page of those who publish it."""

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from evaltrack import clock, wording
from evaltrack.accounts import agreements, grants, profiles
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.models import Agreement
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Conflict, ExpectedError
from evaltrack.htmx import page


@requires(Permission.JUDGE)
def agreement(request: PageRequest) -> HttpResponse:
    onward = where_to(request)
    if request.method == "POST":
        try:
            grants.accept_agreement(request.user, at=clock.now(), digest=request.POST.get("digest", ""))
        except Conflict as error:
            messages.error(request, error.reason)
            return to_sign(request, onward, status=409)
        if onward == reverse("queue-next"):
            # On to the next task, with the same form: the method stays, so that nothing is claimed by a link.
            response = HttpResponseRedirect(onward)
            response.status_code = 307
            return response
        messages.success(request, "Signed. Tasks can come now.")
        return redirect(onward)
    return to_sign(request, onward)


def to_sign(request: PageRequest, onward: str, *, status: int = 200) -> HttpResponse:
    current = agreements.in_force()
    signed = grants.has_accepted_agreement(request.user)
    before = None if signed else agreements.newest_signed_by(request.user)
    context = {
        "agreement": current,
        "signed": signed,
        "before": before,
        "changes": wording.changes(*as_read(before.text, current.text)) if before and current else [],
        "onward": onward,
    }
    return page(request, "accounts/agreement.html", context, status=status)


def as_read(*texts: str) -> list[str]:
    """Without the marks of bold words, where that is not all that differs."""
    plain = [text.replace("**", "") for text in texts]
    return plain if len(set(plain)) == len(set(texts)) else list(texts)


def where_to(request: PageRequest) -> str:
    """Where the person came from, within this site."""
    wanted = (request.POST if request.method == "POST" else request.GET).get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    return wanted if is_ours and wanted.startswith("/") else reverse("queue")


@requires(Permission.MANAGE_CAMPAIGNS, Permission.MANAGE_PEOPLE)
def agreement_texts(request: PageRequest) -> HttpResponse:
    problem, status = "", 200
    if request.method == "POST":
        try:
            published = agreements.publish(
                request.POST.get("text", ""),
                replaces=request.POST.get("replaces", ""),
                by=request.user,
                at=clock.now(),
            )
        except ExpectedError as error:
            problem, status = error.reason, 422 if error.status == 400 else error.status
        else:
            messages.success(
                request, f"Version {published.version} is in force. It is signed before the next task."
            )
            return redirect("agreement-texts")
    rows = Agreement.objects.select_related("published_by").annotate(signatures=Count("acceptances"))
    texts = list(rows.order_by("-pk"))
    current = texts[0] if texts else None
    context = {
        "texts": texts,
        "current": current,
        "text": request.POST.get("text", current.text if current else ""),
        "problem": problem,
        "evaluators": profiles.evaluators().count(),
    }
    return page(request, "accounts/agreement_texts.html", context, status=status)
