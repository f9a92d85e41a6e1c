"""Page: how many examples a comparison needs, what those at hand can show, and with what power."""

from django.http import HttpResponse

from datasets.sampling import TIER_SIZES
from evaltrack import tables
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import NotFound
from evaltrack.htmx import page
from evaltrack.stats.planning import Plan
from evaltrack.templatetags import curves
from experiments import suite
from experiments.lookup import component_named
from experiments.models import Component
from experiments.planner import answers, pilot
from experiments.planner.answers import Answer
from experiments.planner.questions import QUESTIONS, Field, Question, read
from experiments.planner.words import percent
from experiments.views import exports

LARGE = 1_000  # stands for the extended tier where no dataset says how large that is
JUDGED = (50, 100, 200, 500)  # judgments or items that are worth a row
IN_UNITS = ("difference", "margin", "spread", "sd")


@requires(Permission.VIEW_EXPERIMENTS)
def component_planner(request: PageRequest, name: str) -> HttpResponse:
    """`?question=…&metric=…&pilot=…` and the assumptions: what is left out comes from the pilot."""
    component = component_named(name, seen_by=request.user)
    named = request.GET.get("pilot", "")
    metrics = pilot.metrics_of(component, named)
    metric = request.GET.get("metric") or next(iter(metrics), "")
    if metric and metric not in metrics:
        raise NotFound("no_such_metric", f"No experiment of {component} has {metric!r} to plan with.")
    usual = next(
        (each.name for each in QUESTIONS.values() if metrics.get(metric) in each.kinds), "paired_share"
    )
    asked = request.GET.get("question") or usual
    if asked not in QUESTIONS:
        raise NotFound("no_such_question", f"There is no plan of the kind {asked!r}.")
    question = QUESTIONS[asked]
    known = learned(component, question, metric, named)
    unit = known.unit if known and question.name in ("paired_mean", "two_means") else ""
    proposed = proposals(question, known)
    given = {
        field.name: request.GET.get(field.name, proposed[field.name]).strip() for field in question.fields
    }
    values, problems = read(question, given)
    found = None if problems else answers.answer(question.name, values, sizes(question, known), unit)
    offered = {"plan": lambda: exports.plan(component, found)} if found else {}
    if taken := tables.asked(request, offered):
        return taken
    context = {
        "component": component,
        "metrics": list(metrics),
        "metric": metric,
        "questions": QUESTIONS.values(),
        "question": question,
        "pilot": known,
        "named": named,
        "fields": [
            {
                "field": field,
                "unit": field.unit or (unit if field.name in IN_UNITS else ""),
                "text": given[field.name],
                "problem": problems.get(field.name, ""),
                "is_own": given[field.name] != proposed[field.name],
                "shown": known.shown.get(field.name) if known else None,
                "missing": known.missing.get(field.name, "") if known else "",
            }
            for field in question.fields
        ],
        "answer": found,
        "further": with_more_discordance(question, values, known, found) if found else "",
        "picture": picture(question, found) if found else "",
    }
    return page(request, "experiments/planner.html", context, fragment="experiments/_plan.html")


def learned(component: Component, question: Question, metric: str, named: str) -> pilot.Pilot | None:
    if question.human:
        rule = suite.parse(component.policy.body).human if component.policy else None
        return pilot.of_people(component, rule, items=question.name == "kappa")
    return pilot.of_metric(component, metric, named, kinds=question.kinds) if metric else None


def proposals(question: Question, known: pilot.Pilot | None) -> dict[str, str]:
    """What each field holds before anybody types: what the pilot shows, else the usual."""
    shown = {name: each.text for name, each in known.shown.items() if each.text} if known else {}
    found = {field.name: within(field, shown.get(field.name, field.default)) for field in question.fields}
    if "difference" in found and "difference" not in shown:
        found["difference"] = usual_difference(found)
    return found


def within(field: Field, text: str) -> str:
    """What a pilot shows may lie beyond what can be planned with, as where 1,999 of 2,000 were right."""
    nearest = min(max(float(text), field.low), field.high)
    return text if nearest == float(text) else f"{nearest:.12g}"


def usual_difference(found: dict[str, str]) -> str:
    """A fifth of a standard deviation; of shares 2 points, or half of those that differ where these are fewer."""
    if spread := found.get("spread") or found.get("sd"):
        return pilot.typed(float(f"{float(spread) / 5:.1g}"))
    usual, most = found["difference"], float(found.get("discordant", "100"))
    return usual if float(usual) <= most else pilot.typed(most / 2)


def sizes(question: Question, known: pilot.Pilot | None) -> dict[int, str]:
    """The numbers that get a row whatever is asked: of the tiers, or what people may judge."""
    if not question.tiers:
        return dict.fromkeys(JUDGED, "")
    everything = known.experiment.dataset_version.example_count if known else None
    found: dict[int, str] = {}
    for tier, size in TIER_SIZES.items():
        if everything is None:
            found[size or LARGE] = f"{tier} tier" if size else ""
        else:
            found.setdefault(min(size or everything, everything), f"{tier} tier")
    return found


def with_more_discordance(
    question: Question, values: dict[str, float], known: pilot.Pilot | None, answer: Answer
) -> str:
    """What is needed if as many differ as the pilot's interval leaves open: the size is proportional to it."""
    shown = known.shown.get("discordant") if known and question.name == "paired_share" else None
    if shown is None or shown.most is None or shown.text != pilot.typed(100 * values["discordant"]):
        return ""
    more = answers.design_of(question.name, values | {"discordant": shown.most})
    plan = more.needed(values["difference"], values["power"])
    if not isinstance(plan, Plan) or answer.needed is None:
        return ""
    return (
        f"If {percent(shown.most, 2)} differ, which {known.experiment if known else ''} leaves open, "
        f"it takes {plan.n:,}."
    )


def picture(question: Question, answer: Answer) -> str:
    is_power = question.name != "kappa"
    heights = dict(answer.curve)

    def label(height: float) -> str:
        return f"{height:.0%}".replace("%", " %") if is_power else f"± {height:g}"

    spots = [
        curves.Spot(
            size.n,
            heights[size.n],
            "good" if size.n == answer.needed else "flat",
            f"{size.n:,}: {label(heights[size.n])}",
        )
        for size in answer.sizes
        if size.n in heights
    ]
    ceiling = 1.0 if is_power else min(max(heights.values()), 4 * answer.level)
    return curves.plot(
        answer.curve, spots, level=answer.level, ceiling=ceiling, mark=answer.needed, label=label
    )
