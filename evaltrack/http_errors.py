"""Expected errors become answers here, once for pages and once for the API.

Every API error has the shape `{"code", "detail", "fields"}`.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import set_rollback

from evaltrack.errors import ExpectedError, Invalid, Unavailable

# What a program is told to wait for a part that does not answer.
RETRY_AFTER_S = "10"
TITLES = {400: "That cannot be used", 403: "Not allowed", 404: "Not found", 409: "Changed meanwhile"}


class ExpectedErrorMiddleware:
    """Shows an expected error as a page, or as a fragment where htmx asked for one."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, ExpectedError):
            return None
        return error_page(request, status=error.status, detail=error.reason)


class StorableAddressMiddleware:
    """Refuses addresses and queries with a NUL character: PostgreSQL can neither store nor compare it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            detail = "The address holds a NUL character; remove it."
            return JsonResponse(shape("bad_address", detail), status=400)
        return self.get_response(request)


class PrivatePagesMiddleware:
    """What a signed-in person sees stays out of every cache; a fragment is never taken for the page."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if getattr(request, "user", None) is not None and request.user.is_authenticated:
            response.headers.setdefault("Cache-Control", "no-store")
        response.headers["Vary"] = ", ".join(filter(None, [response.headers.get("Vary"), "HX-Request"]))
        return response


def error_page(request: HttpRequest, *, status: int, detail: str) -> HttpResponse:
    template = "_error.html" if getattr(request, "htmx", False) else "error.html"
    title = TITLES.get(status, "That did not work")
    return render(request, template, {"title": title, "detail": detail}, status=status)


def api_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler."""
    if isinstance(error, ExpectedError):
        set_rollback()
        fields = error.fields if isinstance(error, Invalid) else {}
        return Response(
            {"code": error.code, "detail": error.reason, "fields": fields, **error.extra},
            status=error.status,
            headers={"Retry-After": RETRY_AFTER_S} if isinstance(error, Unavailable) else {},
        )
    if isinstance(error, Http404):
        return Response(shape("not_found", "There is nothing at this address."), status=404)
    if isinstance(error, PermissionDenied):
        return Response(shape("not_permitted", "This is not yours to do."), status=403)
    if isinstance(error, ValidationError):
        set_rollback()
        return Response(shape("invalid", first_sentence(error.detail), by_field(error.detail)), status=400)
    if isinstance(error, APIException):
        set_rollback()
        challenge = getattr(error, "auth_header", None)
        headers = {"WWW-Authenticate": challenge} if challenge else {}
        return Response(
            shape(error.default_code, str(error.detail)), status=error.status_code, headers=headers
        )
    return None


def shape(code: str, detail: str, fields: dict[str, list[str]] | None = None) -> dict[str, Any]:
    return {"code": code, "detail": detail, "fields": fields or {}}


def by_field(detail: Any, path: str = "") -> dict[str, list[str]]:
    """DRF's nested messages as one flat mapping: `metrics.0.margin` → sentences."""
    if isinstance(detail, dict):
        nested: dict[str, list[str]] = {}
        for name, inner in detail.items():
            nested |= by_field(inner, f"{path}.{name}" if path else str(name))
        return nested
    if isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        return {
            k: v for i, item in enumerate(detail) if item for k, v in by_field(item, f"{path}.{i}").items()
        }
    return {path or "body": [str(item) for item in (detail if isinstance(detail, list) else [detail])]}


def first_sentence(detail: Any) -> str:
    field, sentences = next(iter(by_field(detail).items()), ("body", ["This request cannot be read."]))
    return sentences[0] if field == "body" else f"{field}: {sentences[0]}"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(shape("not_found", "There is nothing at this address."), status=404)
    return error_page(request, status=404, detail="There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    detail = "Something broke on our side. It was logged; try again, and tell the platform team if it stays."
    if request.path.startswith("/api/"):
        return JsonResponse(shape("server_error", detail), status=500)
    return render(None, "500.html", {"detail": detail}, status=500)
