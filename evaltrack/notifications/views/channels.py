"""Pages of whoever says where messages go besides people."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect

from evaltrack import clock
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission
from evaltrack.errors import ExpectedError, NotFound
from evaltrack.htmx import page
from evaltrack.notifications import channels
from evaltrack.notifications.models import Channel, ChannelKind
from evaltrack.notifications.topics import SEEN_WITH, Topic

NEWEST = 25


@requires(Permission.MANAGE_CHANNELS)
def channel_list(request: PageRequest) -> HttpResponse:
    if request.method != "POST":
        return listed(request)
    form = request.POST
    given = {name: form.get(name, "") for name in ("name", "kind", "address")}
    topics = form.getlist("topics")
    try:
        channel, secret = channels.add(**given, topics=topics, by=request.user, at=clock.now())
    except ExpectedError as error:
        return listed(request, given=given, topics=topics, problem=error.reason, status=422)
    if secret:
        # Shown here and nowhere again, so it does not pass through a redirect.
        return detailed(request, channel, secret=secret)
    messages.success(request, "The channel is added. Send a message to try it out.")
    return redirect("channel", channel.public_id)


def listed(
    request: PageRequest,
    *,
    given: dict[str, str] | None = None,
    topics: list[str] | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "channels": rows().filter(removed_at=None).order_by("name"),
        "kinds": ChannelKind.choices,
        "topics": choices(request.user, topics or []),
        "given": given or {"kind": ChannelKind.SLACK},
        "problem": problem,
    }
    return page(request, "notifications/channels.html", context, status=status)


@requires(Permission.MANAGE_CHANNELS)
def channel_detail(request: PageRequest, channel_id: uuid.UUID) -> HttpResponse:
    channel = rows().filter(public_id=channel_id, removed_at=None).first()
    if channel is None:
        raise NotFound("no_such_channel", "There is no such channel; it may have been removed.")
    if request.method != "POST":
        return detailed(request, channel)
    act, at = request.POST.get("act", ""), clock.now()
    try:
        if act == "secret":
            _, secret = channels.renew_secret(channel_id, by=request.user, at=at)
            return detailed(request, channel, secret=secret)
        if act == "change":
            channels.change(
                channel_id,
                topics=request.POST.getlist("topics"),
                address=request.POST.get("address", ""),
                by=request.user,
                at=at,
            )
            messages.success(request, "Saved.")
        elif act in ACTS:
            do, done = ACTS[act]
            do(channel_id, by=request.user, at=at)
            messages.success(request, done)
    except ExpectedError as error:
        messages.error(request, error.reason)
    return redirect("channels") if act == "remove" else redirect("channel", channel_id)


ACTS: dict[str, tuple[Callable[..., Any], str]] = {
    "pause": (channels.pause, "The channel is paused; what is for it waits."),
    "resume": (channels.resume, "The channel is tried again; what waited is sent within a minute."),
    "again": (channels.send_again, "What was given up is tried once more, within a minute."),
    "try": (channels.try_out, "A message is on its way; look here again in a minute."),
    "remove": (channels.remove, "The channel is removed."),
}


def detailed(request: PageRequest, channel: Channel, *, secret: str = "") -> HttpResponse:
    context = {
        "channel": rows().get(pk=channel.pk),
        "secret": secret,
        "topics": choices(request.user, channel.topics),
        "deliveries": channel.deliveries.order_by("-created_at", "-pk")[:NEWEST],
    }
    return page(request, "notifications/channel.html", context)


def rows():
    waiting, given_up = Q(deliveries__send_after__isnull=False), Q(deliveries__given_up_at__isnull=False)
    return Channel.objects.select_related("added_by", "paused_by").annotate(
        waiting=Count("deliveries", filter=waiting),
        sent=Count("deliveries", filter=Q(deliveries__sent_at__isnull=False)),
        given_up=Count("deliveries", filter=given_up),
    )


def choices(user: User, chosen: list[str]) -> list[dict[str, Any]]:
    """Every topic; those that the person does not see themselves cannot be chosen."""
    return [
        {
            "value": topic.value,
            "label": topic.label,
            "chosen": topic.value in chosen,
            "may": user.can(SEEN_WITH[topic]),
        }
        for topic in Topic
    ]
