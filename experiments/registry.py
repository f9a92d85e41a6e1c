"""Acts and questions: which version runs where."""

import datetime as dt

from django.db.models import Q

from experiments.models import Component, Deployment, PromotionRequest


def deploy(request: PromotionRequest, *, at: dt.datetime) -> Deployment:
    """End what ran in the environment and begin the promoted version; call it inside the approval."""
    Deployment.objects.filter(
        component=request.component, environment=request.environment, ended_at=None
    ).update(ended_at=at)
    return Deployment.objects.create(
        component=request.component,
        environment=request.environment,
        version=request.version,
        promotion=request,
        started_at=at,
    )


def running(component: Component, environment: str, *, at: dt.datetime) -> Deployment | None:
    """What ran there at that moment, with the promotion and the experiment that justified it."""
    return (
        component.deployments.filter(environment=environment, started_at__lte=at)
        .filter(Q(ended_at=None) | Q(ended_at__gt=at))
        .select_related("version", "promotion__experiment", "promotion__closed_by")
        .first()
    )
