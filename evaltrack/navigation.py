"""What the page's header offers to the person who looks at it."""

from dataclasses import dataclass

from django.http import HttpRequest

from evaltrack.accounts.roles import Permission
from evaltrack.notifications.models import Notification


@dataclass(frozen=True)
class Link:
    label: str
    path: str
    permission: Permission


LINKS = [
    Link("Judge", "/queue/", Permission.JUDGE),
    Link("My work", "/review/mine/", Permission.JUDGE),
    Link("Components", "/components/", Permission.VIEW_EXPERIMENTS),
    Link("Experiments", "/experiments/", Permission.VIEW_EXPERIMENTS),
    Link("Campaigns", "/campaigns/", Permission.VIEW_CAMPAIGNS),
    Link("Evaluators", "/evaluators/", Permission.MANAGE_CAMPAIGNS),
    Link("Promotions", "/promotions/", Permission.VIEW_PROMOTIONS),
    Link("Datasets", "/datasets/", Permission.VIEW_DATASETS),
    Link("Agreement", "/agreement/texts/", Permission.MANAGE_PEOPLE),
    Link("Channels", "/channels/", Permission.MANAGE_CHANNELS),
    Link("Ledger", "/ledger/", Permission.VIEW_LEDGER),
]


def navigation(request: HttpRequest) -> dict:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {
        "nav_links": [
            {"label": link.label, "path": link.path, "here": request.path.startswith(link.path)}
            for link in LINKS
            if user.can(link.permission)
        ],
        "has_profile": user.can(Permission.JUDGE),
        "has_desk": bool(user.get_all_permissions()),
        "unread": Notification.objects.filter(recipient=user, read_at=None).count(),
    }
