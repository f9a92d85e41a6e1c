"""Pure: judgments in the files that Label Studio exports, as JSON or JSON-MIN.

A task has `data` and `annotations`; an annotation is one person's, and its `result` has a value for each control
that was used: `from_name` is the control's name, `type` its kind. JSON-MIN has a row for each annotation, with the
data and the answers side by side.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from annotation.formats import tool_files
from annotation.formats.label_studio_results import BESIDE, Answered, answers_in, labels_beside, not_comparing
from annotation.formats.mapping import Row, item_of, systems_of
from annotation.formats.tool_files import Known, Located, Pair, named_sides
from evaltrack.fields import WrongField

# The field of a task's data by which an exported task is known again.
REFERENCE = "evaltrack"


class Judgments(tool_files.Judgments):
    noun = "task"

    def references(self, task: Any) -> set[str]:
        data = self.data_of(task) if isinstance(task, dict) else {}
        reference = data.get(REFERENCE)
        return {reference} if isinstance(reference, str) else set()

    def rows(self, task: Any, known: Known) -> Iterator[Located]:
        if not isinstance(task, dict):
            raise WrongField("", "must be an object with data and annotations")
        data = self.data_of(task)
        annotations = task.get("annotations", task.get("completions"))
        if annotations is None and ("annotation_id" in task or "annotator" in task):
            annotations, path = [task], ""
        else:
            path = "annotations"
            self.left_out.pass_over("predictions", length(task.get("predictions")))
            self.left_out.leave("drafts", length(task.get("drafts")))
        if not isinstance(annotations, list):
            raise WrongField("annotations", "are missing; export from Label Studio as JSON or as JSON-MIN")
        if not annotations:
            self.left_out.pass_over("tasks that nobody has annotated")
            return
        pair: Pair | None = None
        for number, annotation in enumerate(annotations):
            within = f"{path}[{number}]" if path else ""
            part = f"annotation {number + 1}" if path else ""
            try:
                found = self.said(annotation, within)
            except WrongField as wrong:
                yield part, wrong
                continue
            if found is None:
                continue
            # Looked up only here: what nobody has judged need not name its systems.
            pair = pair or self.pair_of(task, data, known)
            if pair is None:
                self.leave("about excluded tasks")
                continue
            yield part, row_of(pair, found, annotation, task)

    def data_of(self, task: Mapping[str, Any]) -> Mapping[str, Any]:
        data = task.get("data", task)
        return data if isinstance(data, dict) else {}

    def pair_of(self, task: Mapping[str, Any], data: Mapping[str, Any], known: Known) -> Pair | None:
        if REFERENCE in data:
            reference = data[REFERENCE]
            if isinstance(reference, str) and reference in known:
                return known[reference]
            raise WrongField(f"data.{REFERENCE}", "names no task that was exported from this campaign")
        row = Row(places_of(task, data))
        left, right = systems_of(row, self.fields, count=2)
        item = item_of(row, self.fields)
        if item is None:
            raise WrongField("data", "does not name the item; say with `item` which field does")
        return Pair(item, left, right)

    # ── What an annotation says ──────────────────────────────────────────────────────────────────────

    def said(self, annotation: Any, within: str) -> dict[str, Any] | None:
        """Preference and answers by criterion, as sides; None where there is none, which is counted."""
        if not isinstance(annotation, dict):
            raise WrongField(within, "must be an object")
        if annotation.get("was_cancelled"):
            self.leave("cancelled")
            return None
        answered = (
            answers_in(annotation, within) if "result" in annotation else self.answers_beside(annotation)
        )
        self.note(answered.labels)
        question = self.question_of(answered)
        if question is None:
            self.leave("empty")
            return None
        if rater_of(annotation) is None:
            self.leave("without a rater")
            return None
        sides: dict[str, str] = {}
        for name, labels in answered.labels.items():
            if name != question and name not in self.criteria:
                self.left_out.pass_over(f"answers to {name[:60]!r}")
                continue
            named = {self.fields.side(label, answered.paths[name]) for label in labels}
            if len(named) > 1:
                self.leave("contradictory")
                return None
            sides[name] = named.pop()
        for name in answered.kinds:
            self.left_out.pass_over(f"answers to {name[:60]!r}")
        return {"preference": sides[question], "answers": {k: v for k, v in sides.items() if k != question}}

    def leave(self, why: str) -> None:
        """Counts a judgment that is none; nothing is said by it."""
        self.left_out.leave(why)

    def question_of(self, answered: Answered) -> str | None:
        """The control that holds the main answer; None where it was not used."""
        asked = [
            name for name in answered.labels if name not in self.criteria or name == self.fields.question
        ]
        if self.fields.question:
            if kind := answered.kinds.get(self.fields.question):
                raise not_comparing(self.fields.question, kind, answered.paths[self.fields.question])
            return self.fields.question if self.fields.question in answered.labels else None
        if not asked:
            told = next(((name, kind) for name, kind in answered.kinds.items() if kind not in BESIDE), None)
            if told and not self.question:
                raise not_comparing(*told, answered.paths[told[0]])
            return None
        if len(asked) > 1 or (self.question and asked[0] != self.question):
            names = ", ".join(repr(name) for name in dict.fromkeys([*filter(None, [self.question]), *asked]))
            raise WrongField(
                answered.paths[asked[-1]],
                f"could be the main answer as well: the controls are {names}. Say with `question` which it is; those "
                "that are called like a criterion of the rubric are its answers",
            )
        self.question = asked[0]
        return self.question

    def answers_beside(self, row: Mapping[str, Any]) -> Answered:
        """Of JSON-MIN, where no kinds stand."""
        if not self.fields.question:
            raise WrongField(
                "", "is a row of JSON-MIN, which does not tell answers from data: name one with `question`"
            )
        names = [
            name for name in (self.fields.question, *self.criteria) if row.get(name) not in (None, "", [], {})
        ]
        labels = {name: labels_beside(row[name], name) for name in names}
        return Answered(labels, {name: name for name in names}, {})


def row_of(
    pair: Pair, said: Mapping[str, Any], annotation: Mapping[str, Any], task: Mapping[str, Any]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "item": pair.item,
        "rater": rater_of(annotation),
        "responses": [pair.left, pair.right],
        "preference": named_sides(pair, {"": said["preference"]})[""],
        "answers": named_sides(pair, said["answers"]),
    }
    at = annotation.get("updated_at") or annotation.get("created_at")
    return row | ({"judged_at": at} if at else {}) | identity_of(annotation, task)


def rater_of(annotation: Mapping[str, Any]) -> str | None:
    by = annotation.get("completed_by", annotation.get("annotator"))
    if isinstance(by, dict):
        by = next((by[name] for name in ("email", "username", "id") if by.get(name)), None)
    if isinstance(by, bool) or not isinstance(by, int | str) or by == "":
        return None
    return str(by)


def identity_of(annotation: Mapping[str, Any], task: Mapping[str, Any]) -> dict[str, str]:
    """The annotation's own id. Its number is of one installation, so the project and the task stand with it."""
    if isinstance(unique := annotation.get("unique_id"), str) and unique:
        return {"id": f"label-studio {unique}"}
    number = annotation.get("annotation_id", annotation.get("id"))
    if number is None or (annotation is task and "annotation_id" not in task):
        return {}
    return {"id": f"label-studio {task.get('project', '-')} {task.get('id', '-')} {number}"}


def places_of(task: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[tuple[str, Mapping[str, Any]], ...]:
    """Where to look for a field: the data, what came with it, and the task itself for its id alone."""
    meta = task.get("meta")
    own = {"id": task["id"]} if "id" in task else {}
    further = meta if isinstance(meta, dict) else {}
    return (("data", data), ("meta", further), ("", own))


def length(value: Any) -> int:
    return len(value) if isinstance(value, list) else 0
