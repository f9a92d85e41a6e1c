"""The experiments API: components, experiments, promotions, what is in production."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from datasets import versions
from evaltrack import clock
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView, paged, person
from evaltrack.canonical import digest
from evaltrack.errors import Invalid, refuse_if
from experiments import backtest, extension, pausing, policies, promotion, registration, submission, suite
from experiments.api import serializers as shapes
from experiments.api.money import in_micros
from experiments.lookup import component_named, experiment_named, promotion_named
from experiments.models import Component, Experiment, GatePolicy, PromotionRequest
from experiments.submission import Question


def policy_named(given, component_name: str, request) -> GatePolicy | None:
    """The policy that a request names or describes in `suite`; None where it is left out."""
    if given is None:
        return None
    if isinstance(given, str):
        return registration.policy_named(given, by=request.user, at=clock.now())
    # A suite sent inline is a policy too, named by its content, so that a verdict always names its rules.
    name = f"{component_name[:60]}-{digest(given)[:12]}"
    return registration.activate_policy(name, given, by=request.user, at=clock.now())


class Components(ApiView):
    permissions = {"GET": (P.VIEW_EXPERIMENTS,), "POST": (P.MANAGE_COMPONENTS,)}

    @extend_schema(responses=shapes.ComponentOut(many=True))
    def get(self, request):
        rows = Component.objects.visible_to(request.user).select_related("owner", "policy")
        return paged(self, rows, lambda row: shapes.ComponentOut(row).data)

    @extend_schema(request=shapes.ComponentIn, responses={201: shapes.ComponentOut})
    @idempotent
    def post(self, request):
        given = self.shaped(shapes.ComponentIn)
        row = registration.register_component(
            name=given["name"],
            kind=given["kind"],
            risk=given["risk"],
            owner=person(given["owner"], field="owner"),
            policy=policy_named(given.get("suite"), given["name"], request),
            by=request.user,
            at=clock.now(),
        )
        return Response(shapes.ComponentOut(row).data, status=201)


class ComponentVersions(ApiView):
    permissions = {"GET": (P.VIEW_EXPERIMENTS,), "POST": (P.MANAGE_COMPONENTS,)}

    @extend_schema(responses=shapes.VersionOut(many=True))
    def get(self, request, name: str):
        rows = component_named(name, seen_by=request.user).versions.select_related("component")
        return paged(self, rows, lambda row: shapes.VersionOut(row).data)

    @extend_schema(request=shapes.VersionIn, responses={201: shapes.VersionOut})
    @idempotent
    def post(self, request, name: str):
        given = self.shaped(shapes.VersionIn)
        row = registration.register_version(
            component_named(name, seen_by=request.user),
            version=given["version"],
            body=given["configuration"],
            by=request.user,
            at=clock.now(),
        )
        return Response(shapes.VersionOut(row).data, status=201)


class ComponentBacktest(ApiView):
    permissions = {"POST": (P.SUBMIT_EXPERIMENTS,)}

    @extend_schema(request=shapes.BacktestIn, responses=shapes.TestedOut(many=True))
    def post(self, request, name: str):
        """What `suite`, a policy's body, would have said about the newest decided experiments; stores nothing."""
        component = component_named(name, seen_by=request.user)
        rules = suite.parse(self.shaped(shapes.BacktestIn)["suite"])
        return Response([each.as_json() for each in backtest.backtest(component, rules)])


class Experiments(ApiView):
    permissions = {"GET": (P.VIEW_EXPERIMENTS,), "POST": (P.SUBMIT_EXPERIMENTS,)}

    @extend_schema(
        parameters=[OpenApiParameter(name, str) for name in ("component", "status", "search")],
        responses=shapes.ExperimentSummary(many=True),
    )
    def get(self, request):
        asked = {name: request.query_params.get(name, "") for name in ("component", "status", "search")}
        rows = Experiment.objects.visible_to(request.user).searched(**asked)
        return paged(
            self,
            rows.with_names(),
            lambda row: shapes.ExperimentSummary(row).data,
        )

    @extend_schema(request=shapes.ExperimentIn, responses={202: shapes.ExperimentSummary})
    @idempotent
    def post(self, request):
        given = self.shaped(shapes.ExperimentIn)
        component = component_named(given["component"], seen_by=request.user)
        refuse_if(policies.changing(request.user, component))
        baseline = given.get("baseline")
        question = Question(
            component=component,
            candidate=submission.find_version(component, given["candidate"]),
            baseline=(
                submission.find_version(component, baseline)
                if baseline
                else submission.production_version(component)
            ),
            dataset_version=versions.find(given["dataset"]),
            policy=policy_named(given.get("suite"), component.name, request)
            or submission.policy_of(component),
            tier=given["tier"],
            hypothesis=given["hypothesis"],
            context=given["context"],
            budget_micro=in_micros(given["budget_usd"]),
        )
        row = submission.submit(question, by=request.user, at=clock.now())
        return Response(shapes.ExperimentSummary(row).data, status=202)


class ExperimentView(ApiView):
    permissions = {"GET": (P.VIEW_EXPERIMENTS,)}

    @extend_schema(responses=shapes.ExperimentOut)
    def get(self, request, public_id: str):
        return Response(described(experiment_named(public_id, seen_by=request.user)))


def described(experiment: Experiment) -> dict:
    return shapes.ExperimentOut(experiment).data


class ExperimentCancel(ApiView):
    permissions = {"POST": (P.SUBMIT_EXPERIMENTS,)}

    @extend_schema(request=None, responses=shapes.ExperimentOut)
    def post(self, request, public_id: str):
        row = submission.cancel(
            experiment_named(public_id, seen_by=request.user), by=request.user, at=clock.now()
        )
        return Response(described(row))


class ExperimentPause(ApiView):
    permissions = {"POST": (P.SUBMIT_EXPERIMENTS,)}

    @extend_schema(request=None, responses=shapes.ExperimentOut)
    def post(self, request, public_id: str):
        """Ask nothing more until it is resumed; what is in flight still comes."""
        row = pausing.pause(
            experiment_named(public_id, seen_by=request.user), by=request.user, at=clock.now()
        )
        return Response(described(row))


class ExperimentResume(ApiView):
    permissions = {"POST": (P.SUBMIT_EXPERIMENTS,)}

    @extend_schema(request=None, responses=shapes.ExperimentOut)
    def post(self, request, public_id: str):
        row = pausing.resume(
            experiment_named(public_id, seen_by=request.user), by=request.user, at=clock.now()
        )
        return Response(described(row))


class ExperimentRerun(ApiView):
    permissions = {"POST": (P.SUBMIT_EXPERIMENTS,)}

    @extend_schema(request=None, responses={202: shapes.ExperimentSummary})
    @idempotent
    def post(self, request, public_id: str):
        row = submission.rerun(
            experiment_named(public_id, seen_by=request.user), by=request.user, at=clock.now()
        )
        return Response(shapes.ExperimentSummary(row).data, status=202)


class ExperimentExtend(ApiView):
    permissions = {"POST": (P.SUBMIT_EXPERIMENTS,)}

    @extend_schema(request=shapes.ExtensionIn, responses={202: shapes.ExperimentSummary})
    @idempotent
    def post(self, request, public_id: str):
        """The same question on a larger tier, with the answers that there are, as a further look."""
        row = extension.extend(
            experiment_named(public_id, seen_by=request.user),
            tier=self.shaped(shapes.ExtensionIn)["tier"],
            by=request.user,
            at=clock.now(),
        )
        return Response(shapes.ExperimentSummary(row).data, status=202)


class Promotions(ApiView):
    permissions = {"GET": (P.VIEW_PROMOTIONS,), "POST": (P.REQUEST_PROMOTION,)}

    @extend_schema(responses=shapes.PromotionOut(many=True))
    def get(self, request):
        return paged(
            self,
            PromotionRequest.objects.visible_to(request.user).with_names(),
            lambda row: shapes.PromotionOut(row).data,
        )

    @extend_schema(request=shapes.PromotionIn, responses={201: shapes.PromotionOut})
    @idempotent
    def post(self, request):
        given = self.shaped(shapes.PromotionIn)
        experiment = experiment_named(given["experiment"], seen_by=request.user)
        asked = (given["component"], given["version"])
        if asked != (experiment.component.name, experiment.candidate.version):
            raise Invalid(
                "other_candidate",
                f"{experiment} evaluated {experiment.candidate}, not {asked[0]} {asked[1]}; "
                "name the experiment that evaluated this version.",
                {"experiment": ["evaluated something else"]},
            )
        row = promotion.request(
            experiment,
            environment=given["environment"],
            reason=given["reason"],
            by=request.user,
            at=clock.now(),
        )
        return Response(shapes.PromotionOut(row).data, status=201)


class PromotionView(ApiView):
    permissions = {"GET": (P.VIEW_PROMOTIONS,)}

    @extend_schema(responses=shapes.PromotionOut)
    def get(self, request, public_id: str):
        return Response(shapes.PromotionOut(promotion_named(public_id, seen_by=request.user)).data)


class PromotionWithdraw(ApiView):
    permissions = {"POST": (P.REQUEST_PROMOTION,)}

    @extend_schema(request=None, responses=shapes.PromotionOut)
    def post(self, request, public_id: str):
        row = promotion.withdraw(
            promotion_named(public_id, seen_by=request.user).pk, by=request.user, at=clock.now()
        )
        return Response(shapes.PromotionOut(row).data)
