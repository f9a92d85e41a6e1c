"""Submit an experiment by hand, through the same act as the API."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponseRedirect

from datasets.models import DatasetVersion, VersionState
from evaltrack import clock
from evaltrack.errors import ExpectedError
from experiments import submission
from experiments.models import Component, Experiment
from experiments.querysets import owned_or_all
from experiments.submission import Question


class SubmissionForm(forms.ModelForm):
    """What an experiment asks; everything else about it follows."""

    class Meta:
        model = Experiment
        fields = ("component", "candidate", "baseline", "dataset_version", "tier", "hypothesis")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        component = given.get("component")
        for name in ("candidate", "baseline"):
            version = given.get(name)
            if component and version and version.component_id != component.pk:
                self.add_error(name, f"This is a version of {version.component}, not of {component}.")
        return given


@admin.register(Experiment)
class ExperimentAdmin(admin.ModelAdmin):
    form = SubmissionForm
    list_display = ("public_id", "component", "candidate", "baseline", "status", "submitted_at")
    list_filter = ("status", "tier")
    list_select_related = ("component", "candidate__component", "baseline__component")
    search_fields = ("public_id", "component__name")
    ordering = ("-submitted_at",)

    def get_queryset(self, request):
        return Experiment.objects.visible_to(request.user)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "component":
            kwargs["queryset"] = Component.objects.filter(owned_or_all(request.user, "owner"))
        elif db_field.name == "dataset_version":
            published = DatasetVersion.objects.filter(state=VersionState.PUBLISHED)
            kwargs["queryset"] = published.select_related("dataset")
        elif db_field.name in ("candidate", "baseline"):
            kwargs["queryset"] = db_field.remote_field.model.objects.filter(
                owned_or_all(request.user, "component__owner")
            ).select_related("component")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request, obj, form, change):
        question = Question(
            component=obj.component,
            candidate=obj.candidate,
            baseline=obj.baseline,
            dataset_version=obj.dataset_version,
            policy=submission.policy_of(obj.component),
            tier=obj.tier,
            hypothesis=obj.hypothesis,
            context={"submitted": "by hand"},
        )
        obj.pk = submission.submit(question, by=request.user, at=clock.now()).pk
        obj.refresh_from_db()

    def changeform_view(self, request: HttpRequest, object_id=None, form_url="", extra_context=None):
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ExpectedError as error:
            messages.error(request, error.reason)
            return HttpResponseRedirect(request.path)

    def response_add(self, request, obj, post_url_continue=None):
        messages.success(request, f"{obj} is queued.")
        return HttpResponseRedirect(obj.get_absolute_url())

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
