"""Pure: judgments in the files that Argilla exports: records with what each user answered to each question.

There are four forms. Version 1 has `responses` as a list, `[{user_id, status, values: {question: {value}}}]`, or, as
a data set of Hugging Face, a list of `{user_id, value, status}` under each question's name. Version 2 has `responses`
as an object, `{question: [{value, user_id}]}`, or flattened: `question.responses`, `.responses.users`,
`.responses.status`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from annotation.formats import tool_files
from annotation.formats.label_studio import length
from annotation.formats.mapping import Row, item_of, systems_of
from annotation.formats.tool_files import Known, Located, Pair, named_sides
from evaltrack.fields import WrongField

# None: the older exports of version 2 do not say it.
SUBMITTED = ("submitted", None)
STATUS = {"draft": "drafts", "discarded": "discarded"}
FLAT = ".responses"


@dataclass
class Answers:
    """What one user said to one record, by question, with the place of each in the file."""

    user: Any
    values: dict[str, list[Any]] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    status: str | None = None

    def add(self, question: str, value: Any, path: str) -> None:
        self.values.setdefault(question, []).append(value)
        self.paths.setdefault(question, path)


class Judgments(tool_files.Judgments):
    noun = "record"

    def rows(self, record: Any, known: Known) -> Iterator[Located]:
        if not isinstance(record, dict):
            raise WrongField("", "must be an object with fields and responses")
        suggestions = record.get("suggestions")
        self.left_out.pass_over(
            "suggestions", len(suggestions) if isinstance(suggestions, dict) else length(suggestions)
        )
        users = answers_of(record)
        if not users:
            self.left_out.pass_over("records that nobody has answered")
            return
        pair: Pair | None = None
        for number, answers in enumerate(users, start=1):
            part = f"response {number}"
            try:
                said = self.said(answers)
            except WrongField as wrong:
                yield part, wrong
                continue
            if said is None:
                continue
            pair = pair or self.pair_of(record)
            named = named_sides(pair, said)
            row = {
                "item": pair.item,
                "rater": str(answers.user),
                "responses": [pair.left, pair.right],
                "preference": named.pop(self.question),
                "answers": named,
            }
            yield part, row | identity_of(record, answers.user)

    def pair_of(self, record: Mapping[str, Any]) -> Pair:
        row = Row(places_of(record))
        left, right = systems_of(row, self.fields, count=2)
        item = item_of(row, self.fields)
        if item is None and "external_id" in record:
            item = row.name("external_id")
        if item is None:
            raise WrongField("", "does not name the item; say with `item` which field does")
        return Pair(item, left, right)

    def said(self, answers: Answers) -> dict[str, str] | None:
        """The sides that a user named, by question; None where there is none, which is counted."""
        if answers.status not in SUBMITTED:
            self.left_out.leave(STATUS.get(str(answers.status), "not submitted"))
            return None
        self.note(answers.values)
        question = self.question_of(answers)
        if question is None:
            self.left_out.leave("empty")
            return None
        if answers.user is None:
            self.left_out.leave("without a rater")
            return None
        sides: dict[str, str] = {}
        for name, values in answers.values.items():
            if name != question and name not in self.criteria:
                self.left_out.pass_over(f"answers to {name[:60]!r}")
                continue
            named = {self.side(value, name, answers.paths[name]) for value in values}
            if len(named) > 1:
                self.left_out.leave("contradictory")
                return None
            sides[name] = named.pop()
        return sides

    def question_of(self, answers: Answers) -> str | None:
        """The question that says what is better; None where it was not answered."""
        if self.question:
            return self.question if self.question in answers.values else None
        asked = [name for name in answers.values if name not in self.criteria]
        if len(asked) > 1:
            names = ", ".join(repr(name) for name in asked[:10])
            raise WrongField(
                "responses", f"answers the questions {names}: say with `question` which says what is better"
            )
        self.question = next(iter(asked), "")
        return self.question or None

    def side(self, value: Any, name: str, path: str) -> str:
        if isinstance(value, bool | int | float):
            raise WrongField(
                path,
                f"answers {name!r} with a number: a rating does not say which of two is better. Imported are a label "
                "and a ranking of two",
            )
        ranks = ranks_of(value)
        if ranks is None:
            labels = value if isinstance(value, list) else [value]
            if len(labels) == 1:
                return self.fields.side(labels[0], path)
            if len(labels) == 2 and self.fields.ranking:
                self.fields.side(labels[1], path)
                return self.fields.side(labels[0], path)
            raise WrongField(
                path, "is a list: if it is an order of two, the best first, say so with `ranking=true`"
            )
        if len(ranks) != 2 or {self.fields.side(label, path) for label in ranks} != {"left", "right"}:
            raise WrongField(path, "must rank the two responses; say with left and right how they are called")
        (first, one), (second, other) = ranks.items()
        return "tie" if one == other else self.fields.side(first if one < other else second, path)


def ranks_of(value: Any) -> dict[str, int] | None:
    """A ranking with ranks by label; None where it is none."""
    if (
        isinstance(value, dict)
        and isinstance(value.get("value"), list)
        and isinstance(value.get("rank"), list)
    ):
        if len(value["value"]) != len(value["rank"]):
            return None
        pairs = list(zip(value["value"], value["rank"], strict=True))
    elif (
        isinstance(value, list) and value and all(isinstance(each, dict) and "rank" in each for each in value)
    ):
        pairs = [(each.get("value"), each["rank"]) for each in value]
    else:
        return None
    if not all(isinstance(label, str) and type(rank) is int for label, rank in pairs):
        return None
    return dict(pairs)


# ── The four forms ───────────────────────────────────────────────────────────────────────────────────


def answers_of(record: Mapping[str, Any]) -> list[Answers]:
    """What each user said, in the order in which users are named."""
    responses = record.get("responses")
    if isinstance(responses, list):
        return [of_user(each, f"responses[{place}]") for place, each in enumerate(responses)]
    if isinstance(responses, dict):
        return by_user((name, answered, f"responses.{name}") for name, answered in responses.items())
    flat = [name for name in record if name.endswith(FLAT)]
    if flat:
        return by_user((name.removesuffix(FLAT), unflattened(record, name), name) for name in flat)
    named = [name for name, value in record.items() if answers_a_question(value)]
    if not named and responses is None and "fields" in record:
        return []
    if not named:
        raise WrongField("", "has no responses in a form that Argilla writes")
    return by_user((name, record[name], name) for name in named)


def of_user(response: Any, path: str) -> Answers:
    values = response.get("values") if isinstance(response, dict) else None
    if not isinstance(response, dict) or not isinstance(values, dict | None):
        raise WrongField(path, "must be an object with user_id, status and values")
    answers = Answers(user_in(response, path), status=status_in(response, path))
    for name, value in (values or {}).items():
        if not isinstance(value, dict) or "value" not in value:
            raise WrongField(f"{path}.values.{name}", "must be an object with value")
        answers.add(name, value["value"], f"{path}.values.{name}.value")
    return answers


def by_user(questions: Iterator[tuple[str, Any, str]]) -> list[Answers]:
    users: dict[Any, Answers] = {}
    for name, answered, path in questions:
        if not isinstance(answered, list):
            raise WrongField(path, "must be a list")
        for place, each in enumerate(answered):
            within = f"{path}[{place}]"
            if not isinstance(each, dict) or "value" not in each:
                raise WrongField(within, "must be an object with value and user_id")
            user, status = user_in(each, within), status_in(each, within)
            answers = users.setdefault(user, Answers(user, status=status))
            if answers.status in SUBMITTED:
                answers.status = status
            answers.add(name, each["value"], f"{within}.value")
    return list(users.values())


def unflattened(record: Mapping[str, Any], name: str) -> Any:
    values = record[name]
    if values is None:
        return []
    users, status = record.get(f"{name}.users"), record.get(f"{name}.status")
    status = [None] * length(values) if status is None else status
    if not (length(values) == length(users) == length(status)) or not isinstance(values, list):
        raise WrongField(name, "must be a list as long as those of its users and their status")
    assert isinstance(users, list)
    assert isinstance(status, list)
    together = zip(values, users, status, strict=True)
    return [{"value": value, "user_id": user, "status": said} for value, user, said in together]


def answers_a_question(value: Any) -> bool:
    return (
        isinstance(value, list) and bool(value) and all(isinstance(v, dict) and "user_id" in v for v in value)
    )


def user_in(row: Mapping[str, Any], path: str) -> str | int | None:
    user = row.get("user_id")
    if user is not None and (isinstance(user, bool) or not isinstance(user, str | int)):
        raise WrongField(f"{path}.user_id", "must be text")
    return user if user != "" else None


def status_in(row: Mapping[str, Any], path: str) -> str | None:
    status = row.get("status")
    if status is not None and not isinstance(status, str):
        raise WrongField(f"{path}.status", "must be text")
    return status


def identity_of(record: Mapping[str, Any], user: Any) -> dict[str, str]:
    """A user answers a record once."""
    name = next((record[each] for each in ("_server_id", "id", "external_id") if record.get(each)), None)
    return {"id": f"argilla {name} {user}"} if isinstance(name, str | int) else {}


def places_of(record: Mapping[str, Any]) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Where to look for a field. Metadata of version 1 is JSON in a text."""
    fields, metadata = record.get("fields"), record.get("metadata")
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except (ValueError, RecursionError):
            metadata = None
    return (
        ("fields", fields if isinstance(fields, dict) else {}),
        ("metadata", metadata if isinstance(metadata, dict) else {}),
        ("", record),
    )
