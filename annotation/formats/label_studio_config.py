"""Pure: what Label Studio shows for a rubric: its labelling configuration, in XML."""

from collections.abc import Iterable
from typing import Any
from xml.sax.saxutils import quoteattr

from annotation.protocols import Rules
from annotation.rubrics import SEVERITIES, Criterion, Details

# The four answers, as an import knows them again; on the keys that they have here.
ANSWERS = ("Response 1 is better", "Response 2 is better", "Tie", "Both bad")
OURS = ("prompt", "contexts", "response", "responses", "response_1", "response_2")


def config(question: str, guidance: str, details: Details, rules: Rules, *, with_contexts: bool) -> str:
    """Of a rubric: question and guidance, the prompt, the responses in the order of the task, and the controls."""
    parts = [
        tag("Header", value=question),
        *(
            tag("Header", value=paragraph, size="5")
            for paragraph in guidance.split("\n")
            if paragraph.strip()
        ),
        tag("Text", name="prompt", value="$prompt"),
        *([tag("Text", name="contexts", value="$contexts")] if with_contexts else []),
        *CONTROLS[rules.name](details),
        tag("TextArea", name=free("comment", details), toName=shown(rules), placeholder="Why?", rows="2"),
    ]
    return view(parts) + "\n"


def shown(rules: Rules) -> str:
    """What the controls are about: they name one of two, as Label Studio's choices take no pair."""
    return {"pairwise": "response_1", "ranking": "responses"}.get(rules.name, "response")


def pairwise(details: Details) -> list[str]:
    sides = [
        view(
            [
                tag("Header", value=f"Response {n}", size="5"),
                tag("Text", name=f"response_{n}", value=f"$response_{n}"),
            ],
            style="flex: 1",
        )
        for n in (1, 2)
    ]
    return [
        view(sides, style="display: flex; gap: 1em"),
        answers(free("preference", details)),
        *(part for each in details.criteria for part in further(each, answers(each.id))),
    ]


def answers(name: str) -> str:
    choices = [tag("Choice", value=answer) for answer in ANSWERS]
    return tag(
        "Choices",
        *choices,
        name=name,
        toName="response_1",
        choice="single",
        required="true",
        showInline="true",
    )


def rating(details: Details) -> list[str]:
    return [
        tag("Text", name="response", value="$response"),
        *stars(free("rating", details), details.scale),
        *(part for each in details.criteria for part in further(each, *stars(each.id, each.scale))),
    ]


def stars(name: str, scale: tuple[str, ...]) -> list[str]:
    points = [f"{point}: {words}" for point, words in enumerate(scale, start=1) if words]
    rated = tag("Rating", name=name, toName="response", maxRating=str(len(scale)), required="true")
    return [*(tag("Header", value=each, size="6") for each in points), rated]


def ranking(details: Details) -> list[str]:
    return [
        tag("List", name="responses", value="$responses", title="Best first"),
        tag("Ranker", name="ranking", toName="responses"),
    ]


def spans(details: Details) -> list[str]:
    labels = [tag("Label", value=each.label, alias=each.id) for each in details.reasons]
    severities = [tag("Choice", value=each) for each in SEVERITIES]
    return [
        tag("Labels", *labels, name="reason", toName="response"),
        tag("Text", name="response", value="$response", granularity="symbol"),
        tag("Choices", *severities, name="severity", toName="response", perRegion="true", choice="single"),
        tag("TextArea", name="note", toName="response", perRegion="true"),
    ]


CONTROLS = {"pairwise": pairwise, "rating": rating, "ranking": ranking, "spans": spans}


def further(criterion: Criterion, *controls: str) -> Iterable[str]:
    return [
        tag("Header", value=criterion.question, size="5"),
        *([tag("Header", value=criterion.anchors, size="6")] if criterion.anchors else []),
        *controls,
    ]


def free(name: str, details: Details) -> str:
    """The name of a control, other than those of the criteria."""
    taken = {each.id for each in details.criteria} | set(OURS)
    while name in taken:
        name += "_"
    return name


def view(parts: Iterable[str], **attributes: str) -> str:
    inner = "\n".join(parts).replace("\n", "\n  ")
    return f"<View{attributes_of(attributes)}>\n  {inner}\n</View>"


def tag(kind: str, *inner: str, **attributes: str) -> str:
    opening = f"<{kind}{attributes_of(attributes)}"
    if not inner:
        return f"{opening}/>"
    return "\n".join([f"{opening}>", *(f"  {each}" for each in inner), f"</{kind}>"])


def attributes_of(attributes: dict[str, Any]) -> str:
    return "".join(f" {name}={quoteattr(storable(value))}" for name, value in attributes.items())


def storable(words: str) -> str:
    """XML knows no other control characters than these three."""
    return "".join(each for each in words if each >= " " or each in "\t\n\r")
