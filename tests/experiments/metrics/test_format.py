"""The form of answers: patterns, JSON and its schemas, length, sections, language."""

import json
import time

import pytest

from experiments.metrics import schemas
from tests.experiments.metrics.asking import reason, value


def test_format_compliance_is_about_the_whole_answer():
    asked = {"parameters": {"pattern": r"\{.*\}"}}
    assert value("format_compliance", ' {"a":\n1} ', None, **asked) == 1
    assert value("format_compliance", 'Sure: {"a": 1}', None, **asked) == 0
    assert value("format_compliance", "anything", None) is None


@pytest.mark.parametrize(
    ("said", "valid"),
    [
        ('{"a": [1, 2.5, null]}', 1.0),
        ('```json\n{"a": 1}\n```', 1.0),
        ("```\n[]\n```\n", 1.0),
        ('Here it is: {"a": 1}', 0.0),
        ("{'a': 1}", 0.0),
        ("NaN", 0.0),
        ("", 0.0),
        ("```", 0.0),
        ("[" * 100_000, 0.0),
        ("9" * 10_000, 0.0),
    ],
)
def test_json_valid(said, valid):
    assert value("json_valid", said, None) == valid


@pytest.mark.parametrize(
    ("said", "limits", "within"),
    [
        ("one two three", {"most": 3}, 1.0),
        ("one two three", {"most": 2}, 0.0),
        ("one", {"fewest": 2}, 0.0),
        ("one two", {"fewest": 2, "most": 2}, 1.0),
        ("anything at all", {}, 1.0),
        ("one", {"most": "many"}, None),
        ("one", {"most": True}, None),
    ],
)
def test_length_within(said, limits, within):
    assert value("length_within", said, None, parameters=limits) == within


def test_has_sections_counts_headings_and_no_mere_mentions():
    said = "# Summary\nfine\n**Risks:**\nnone\nThe next steps are clear."
    asked = {"sections": ["Summary", "risks", "Next steps"]}
    assert value("has_sections", said, None, parameters=asked) == pytest.approx(2 / 3)
    assert value("has_sections", said, None, parameters={"sections": []}) is None
    assert value("has_sections", said, None, parameters={"sections": "Summary"}) is None


SCHEMA = {
    "type": "object",
    "properties": {
        "pattern": {"type": "string"},
        "days": {"type": "integer", "minimum": 0},
        "of": {"$ref": "#/$defs/place"},
    },
    "required": ["pattern", "days"],
    "$defs": {"place": {"enum": ["here", "there"]}},
}


@pytest.mark.parametrize(
    ("said", "complies", "fields"),
    [
        ({"pattern": "x", "days": 3, "of": "here"}, 1.0, 1.0),
        ({"pattern": "x", "days": 3}, 1.0, 1.0),
        ({"pattern": "x", "days": -3, "of": "nowhere"}, 0.0, 1 / 3),
        ({"days": 3}, 0.0, 2 / 3),
        ([], 0.0, 0.0),
        ("x", 0.0, 0.0),
    ],
)
def test_a_schema_is_complied_with_as_a_whole_and_field_by_field(said, complies, fields):
    asked = {"parameters": {"schema": SCHEMA}}
    text = json.dumps(said)
    assert value("schema_compliance", text, None, **asked) == complies
    assert value("schema_compliance", f"```json\n{text}\n```", None, **asked) == complies
    assert value("schema_fields", text, None, **asked) == pytest.approx(fields)


def test_what_is_no_json_complies_with_no_schema():
    assert value("schema_compliance", "no", None, parameters={"schema": True}) == 0
    assert value("schema_compliance", "1", None, parameters={"schema": True}) == 1
    assert value("schema_compliance", "1e999", None, parameters={"schema": {"multipleOf": 0.1}}) in {0, 1}
    assert "no properties" in reason("schema_fields", "1", None, parameters={"schema": True})


BILLION = {
    "$defs": {
        **{f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}] * 8} for n in range(12)},
        "a12": {"type": "string"},
    },
    "$ref": "#/$defs/a0",
}


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"properties": {"a": {"$ref": "other.json"}}},
        {"$id": "http://127.0.0.1:9/", "$ref": "other"},
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"$ref": "#"},
        {"$ref": "#/$defs/nowhere"},
        {"properties": {"a": {"items": {"$ref": "#/properties/a"}}}},
        {"$dynamicRef": "#a"},
        {"properties": {"a": {"pattern": "(a|aa)+$"}}},
        {"patternProperties": {"(a|aa)+$": True}},
        {"uniqueItems": True},
        {"type": "nothing"},
        {"type": 3},
        {"properties": []},
        {"required": "a"},
        {"enum": ["x" * 30_000]},
        BILLION,
        "no",
        None,
    ],
)
def test_a_schema_that_reaches_out_goes_round_or_may_take_for_ever_is_not_taken(schema):
    assert schemas.usable(schema) is None
    asked = {"parameters": {"schema": schema}}
    assert "no schema that can be used" in reason("schema_compliance", "{}", None, **asked)


def test_an_answer_that_is_too_large_to_check_does_not_comply_and_takes_no_time():
    start = time.process_time()
    schema = {"items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}
    assert value("schema_compliance", json.dumps([1.5] * 300_000), None, parameters={"schema": schema}) == 0
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("said", "language", "found"),
    [
        ("The refund takes five days after the parcel has arrived.", "en", 1.0),
        ("The refund takes five days after the parcel has arrived.", "de", 0.0),
        ("Die Erstattung dauert fünf Tage, nachdem das Paket angekommen ist.", "de-CH", 1.0),
        ("Le remboursement prend cinq jours après la réception du colis.", "fr", 1.0),
        ("返金は商品が届いてから五日かかりますので、しばらくお待ちください。", "ja", 1.0),
        ("42", "en", None),
        ("The refund takes five days.", "xx", None),
        ("", "en", 0.0),
    ],
)
def test_the_language_of_an_answer(said, language, found):
    assert value("in_language", said, None, parameters={"language": language}) == found
    assert value("in_language", said, {"language": language}, parameters={"language": "la"}) == found


def test_a_language_that_cannot_be_told_is_undefined_in_words():
    assert "too short" in reason("in_language", "OK", None, parameters={"language": "en"})
    assert "neither the policy nor the reference" in reason("in_language", "OK", None)
