"""One address, two answers: the page, or the fragment of it that htmx asks for."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def page(
    request: HttpRequest, template: str, context: dict[str, Any], *, fragment: str = "", status: int = 200
) -> HttpResponse:
    """`template`, or `fragment` where htmx asks; both take the same context."""
    asked_for_fragment = fragment and getattr(request, "htmx", False)
    return render(request, fragment if asked_for_fragment else template, context, status=status)
