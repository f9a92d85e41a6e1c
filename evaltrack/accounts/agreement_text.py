"""The confidentiality agreement that comes with the software. A changed text is a new version."""

from typing import Any

from django.apps import apps as installed
from django.db.models import Q

from evaltrack import clock
from evaltrack.canonical import sha256_hex

SHIPPED_VERSION = "2026-2"
SHIPPED = """\
As an evaluator you read requests of real people and answers of systems that are not public. By signing you agree to \
the following.

1. **Keep it here.** You do not copy, photograph, quote or pass on requests, responses or results, inside or outside \
the organisation, except to the evaluation lead.
2. **Judge by yourself.** You do not discuss a task with other evaluators while its campaign is open, and you use no \
AI system to judge for you.
3. **Stay blind.** You do not try to find out which system wrote a response. If you recognise one, skip the task and \
say so.
4. **Speak up.** If a task shows personal data, or content that is harmful, you skip it and tell the evaluation \
lead. If you own or built what is compared, you tell them as well.
5. **What is recorded.** Your answers, your comments, the time at which a task was shown and sent, and how long you \
were active on it. Your single keystrokes are not recorded. Leads see what you judged, and how far you agree with \
others, under your pseudonym.
6. **How long it holds.** Confidentiality goes on after you stop judging. You may withdraw from judging at any time; \
what you have judged stays as evidence."""


def install(*, using: str, apps: Any = installed, **_: Any) -> None:
    """After each migration: the text that comes with the software, until somebody publishes their own."""
    try:
        texts = apps.get_model("accounts", "Agreement").objects.using(using)
    except LookupError:
        return  # migrated back to before there were such rows
    if not texts.filter(Q(version=SHIPPED_VERSION) | Q(published_by__isnull=False)).exists():
        digest = sha256_hex(SHIPPED.encode())
        texts.create(version=SHIPPED_VERSION, text=SHIPPED, digest=digest, published_at=clock.now())
