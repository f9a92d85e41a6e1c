"""Pure: any service that takes JSON and answers with JSON, asked once per example."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from evaltrack.canonical import canonical_json
from evaltrack.integrations.model_api import Answer, Header, NotAnAnswer, Question, count, storable
from experiments.targets import paths
from experiments.targets.base import VARIABLE, Target, common, variables_of
from experiments.targets.paths import Path
from experiments.targets.reading import Reading

KIND = "http_json"
MOST_HEADERS = 20
LONGEST_HEADER = 1000
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}")
SET_BY_US = {
    "host", "content-type", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer",
    "expect", "keep-alive", "accept-encoding",
}  # fmt: skip
# Names of headers that carry secrets, whose place is not the database.
SECRET = re.compile(r"auth|key|token|secret|passw|cookie|credential|signature", re.IGNORECASE)
PLACES = ("answer", "contexts", "citations", "input_tokens", "output_tokens", "model")


@dataclass(frozen=True, kw_only=True)
class JsonTarget(Target):
    """`places` are the paths by what stands there, of PLACES; `answer` is always one of them."""

    headers: tuple[Header, ...] = ()
    request: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Path] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (*super().secrets, *(header.env for header in self.headers if header.env))

    @property
    def reads(self) -> dict[str, str]:
        return {"kind": KIND, **{name: str(path) for name, path in self.places.items()}}

    def question(self, example_input: Any) -> Question:
        # The whole input is `input`, unless one of its own fields is called so.
        variables = {"input": example_input, **variables_of(example_input)}
        return Question(
            url=self.base_url,
            body=filled_in(self.request, variables),
            read=self.answer,
            timeout_ms=self.timeout_ms,
            api_key_env=self.api_key_env,
            headers=self.headers,
        )

    def answer(self, document: Any) -> Answer:
        """What the service says. Raises NotAnAnswer where there is no answer at its place."""
        try:
            said = self.places["answer"].of(document)
        except paths.Nothing as nothing:
            raise NotAnAnswer(f"no answer: {nothing}") from None
        if said is None:
            raise NotAnAnswer(f"no answer: {self.places['answer']} is null")
        return Answer(
            text=as_text(said),
            contexts=self.passages("contexts", document),
            citations=self.passages("citations", document),
            input_tokens=count(self.at("input_tokens", document)),
            output_tokens=count(self.at("output_tokens", document)),
            model=as_text(self.at("model", document) or "")[:200],
        )

    def at(self, name: str, document: Any) -> Any:
        """What stands at a place; None where nothing does, or the configuration names none."""
        try:
            return self.places[name].of(document)
        except (KeyError, paths.Nothing):
            return None

    def passages(self, name: str, document: Any) -> list[str] | None:
        found = self.at(name, document)
        if found is None:
            return None
        return [as_text(each) for each in (found if isinstance(found, list) else [found])]


def as_text(value: Any) -> str:
    """A text as it is; anything else as its canonical JSON."""
    if isinstance(value, str):
        return storable(value)
    try:
        return storable(canonical_json(value).decode())
    except (ValueError, RecursionError) as error:
        raise NotAnAnswer(f"an answer that cannot be kept: {error}") from None


def filled_in(template: Any, variables: Mapping[str, Any]) -> Any:
    """`template` with each `{{ name }}` in its texts replaced. Raises KeyError naming one that there is not.

    A text that is one variable and nothing else becomes the variable's value, of whatever type; within other text
    a value that is no text is written as JSON.
    """
    if isinstance(template, dict):
        return {name: filled_in(value, variables) for name, value in template.items()}
    if isinstance(template, list):
        return [filled_in(value, variables) for value in template]
    if not isinstance(template, str):
        return template
    if alone := VARIABLE.fullmatch(template.strip()):
        return variables[alone[1]]
    return VARIABLE.sub(lambda found: within_text(variables[found[1]]), template)


def within_text(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value).decode()


def read(reading: Reading) -> JsonTarget:
    fields = common(reading, also=frozenset({"headers"}))
    if "@" in fields["base_url"].partition("//")[2].partition("/")[0]:
        reading.wrong(
            "target.base_url", "holds a password; name the variable that does in api_key_env or headers"
        )
    if fragment(fields["base_url"]):
        reading.wrong("target.base_url", "has a part behind #, which is never sent")
    request = reading.section("request")
    if not request:
        reading.wrong("request", 'is missing: the body to send, such as {"question": "{{ input }}"}')
    return JsonTarget(**fields, headers=headers(reading), request=request, places=places(reading))


def fragment(address: str) -> str:
    try:
        return urlsplit(address).fragment
    except ValueError:
        return ""  # no address at all, which the list of hosts says better


def headers(reading: Reading) -> tuple[Header, ...]:
    """Headers by name: a text, or `{"env": NAME}`, the value of a variable, perhaps behind a `prefix`."""
    given = reading.field("target.headers", {})
    if not isinstance(given, dict) or len(given) > MOST_HEADERS:
        reading.wrong("target.headers", f"must be an object with up to {MOST_HEADERS} headers")
        return ()
    found = []
    for name, value in given.items():
        path = f"target.headers.{name}"
        if not HEADER_NAME.fullmatch(name) or name.lower() in SET_BY_US:
            reading.wrong(
                path, "is set by evaltrack" if name.lower() in SET_BY_US else "is no name of a header"
            )
        elif isinstance(value, str):
            if SECRET.search(name):
                reading.wrong(path, f'carries a secret: write {{"env": "NAME"}} in place of {name}\'s value')
            elif text_of(reading, path, value):
                found.append(Header(name, value))
        elif (
            isinstance(value, dict) and set(value) <= {"env", "prefix"} and isinstance(value.get("env"), str)
        ):
            prefix = value.get("prefix", "")
            if isinstance(prefix, str) and (not prefix or text_of(reading, path, prefix)):
                found.append(Header(name, prefix, env=value["env"]))
        else:
            reading.wrong(path, 'must be text, or {"env": "NAME"} with perhaps a "prefix"')
    if reading.field("target.api_key_env", "") and any(
        each.name.lower() == "authorization" for each in found
    ):
        reading.wrong("target.headers", "has Authorization, which api_key_env sets too; keep one of them")
    return tuple(found)


def text_of(reading: Reading, path: str, value: str) -> bool:
    """Whether a header can carry it."""
    if value.isascii() and value.isprintable() and len(value) <= LONGEST_HEADER:
        return True
    reading.wrong(path, f"takes up to {LONGEST_HEADER} printable ASCII characters")
    return False


def places(reading: Reading) -> dict[str, Path]:
    given = reading.section("response")
    for name in sorted(set(given) - set(PLACES)):
        reading.wrong(f"response.{name}", f"is unknown; known are {', '.join(PLACES)}")
    found = {}
    for name in PLACES:
        if name not in given and name != "answer":
            continue
        text = reading.text(f"response.{name}")
        try:
            if text:
                found[name] = paths.parse(text)
        except ValueError as error:
            reading.wrong(f"response.{name}", str(error))
    return found
