"""The approver's desk: everything that the decision rests on, and two buttons. The acts do the writing."""

from django.contrib import admin, messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.views.decorators.http import require_POST

from evaltrack import clock
from evaltrack.accounts.access import PageRequest
from evaltrack.errors import ExpectedError
from experiments import policies, promotion, registry, stopping
from experiments.models import PromotionRequest
from experiments.views.measured import with_scales


@admin.register(PromotionRequest)
class PromotionRequestAdmin(admin.ModelAdmin):
    change_form_template = "admin/experiments/promotionrequest/change_form.html"
    list_display = (
        "public_id",
        "component",
        "version",
        "environment",
        "status",
        "requested_by",
        "requested_at",
    )
    list_filter = ("status", "environment")
    list_select_related = ("component", "version__component", "requested_by")
    search_fields = ("public_id", "component__name")
    ordering = ("-requested_at",)

    def get_queryset(self, request):
        return PromotionRequest.objects.visible_to(request.user).with_names()

    def get_urls(self):
        decide = self.admin_site.admin_view(require_POST(self.decide))
        named = path("<int:object_id>/decide/", decide, name="experiments_promotionrequest_decide")
        return [named, *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            return super().change_view(request, object_id, form_url, extra_context)
        running = registry.running(row.component, row.environment, at=clock.now())
        context = {
            "promotion": row,
            "experiment": row.experiment,
            "verdict": row.experiment.verdicts.first(),
            "confidence": stopping.of_plan(row.experiment.plan.body).confidence_in_words,
            "comparisons": with_scales(row.experiment.comparisons.all()),
            "current": running,
            "refusal": policies.deciding(request.user, row),
            "decide_url": reverse("admin:experiments_promotionrequest_decide", args=[row.pk]),
        }
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    def decide(self, request: PageRequest, object_id: int) -> HttpResponse:
        """Approve or reject; the page is shown again in every case, with what happened."""
        reason = request.POST.get("reason", "")
        try:
            if request.POST.get("decision") == "approve":
                seen = request.POST.get("seen_digest", "")
                row = promotion.approve(
                    object_id, by=request.user, reason=reason, seen_digest=seen, at=clock.now()
                )
                messages.success(request, f"{row.version} runs in {row.environment} now.")
            elif request.POST.get("decision") == "reject":
                row = promotion.reject(object_id, by=request.user, reason=reason, at=clock.now())
                messages.success(request, f"{row} is rejected; {row.requested_by} was told.")
            else:
                messages.error(request, "Press one of the two buttons: approve or reject.")
        except ExpectedError as error:
            messages.error(request, error.reason)
        return HttpResponseRedirect(reverse("admin:experiments_promotionrequest_change", args=[object_id]))

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
