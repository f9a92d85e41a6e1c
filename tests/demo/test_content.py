"""The demo's articles and golden examples: their shape, and that each expected fact can be found."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from evaltrack.demo.retrieval import CONTENT, load_articles

KINDS = {
    "direct": range(80, 101),
    "paraphrase": range(60, 81),
    "typo": range(25, 36),
    "multi_hop": range(25, 36),
    "unanswerable": range(25, 36),
}


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CONTENT / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def golden() -> list[dict[str, Any]]:
    return rows("faq-golden.jsonl")


@pytest.fixture(scope="module")
def knowledge() -> dict[str, str]:
    return {row["id"]: row["text"] for row in rows("knowledge.jsonl")}


def occurs(spelling: str, text: str) -> bool:
    """Whether a spelling stands in a text at word boundaries, whatever the case and the spaces."""
    plain = " ".join(text.split()).casefold()
    return re.search(rf"(?<!\w){re.escape(spelling.casefold())}(?!\w)", plain) is not None


def test_articles_are_short_and_complete() -> None:
    articles = rows("knowledge.jsonl")
    assert 70 <= len(articles) <= 100
    assert len({row["id"] for row in articles}) == len(articles)
    assert len({row["title"] for row in articles}) == len(articles)
    for row in articles:
        assert set(row) == {"id", "title", "text"}
        assert re.fullmatch(r"[a-z0-9-]+", row["id"])


def test_articles_are_cut_into_three_to_eight_sentences() -> None:
    for article in load_articles():
        assert 3 <= len(article.sentences) <= 8, article.id
        assert " ".join(article.sentences) == article.text
        assert all(sentence.endswith(".") for sentence in article.sentences), article.id


def test_there_are_250_examples_with_unique_ids_and_questions(golden: list[dict[str, Any]]) -> None:
    assert [row["id"] for row in golden] == [f"faq-{number:03d}" for number in range(1, 251)]
    questions = {re.sub(r"\W+", " ", row["input"].casefold()).strip() for row in golden}
    assert len(questions) == len(golden)


def test_examples_have_the_schema(golden: list[dict[str, Any]]) -> None:
    for row in golden:
        assert set(row) == {"id", "input", "expected", "tags", "metadata"}
        assert set(row["expected"]) == {"answer", "facts", "sources"}
        assert set(row["metadata"]) == {"category", "difficulty", "kind"}
        meta = row["metadata"]
        assert row["tags"] == [meta["category"], meta["difficulty"], meta["kind"]]
        assert meta["difficulty"] in {"easy", "medium", "hard"}
        assert row["input"] == row["input"].strip() != ""
        assert row["expected"]["answer"].endswith(".")
        for spellings in row["expected"]["facts"]:
            assert spellings
            assert all(isinstance(s, str) and s == " ".join(s.split()) != "" for s in spellings)


def test_kinds_are_mixed_as_intended(golden: list[dict[str, Any]]) -> None:
    counts = Counter(row["metadata"]["kind"] for row in golden)
    assert set(counts) == set(KINDS)
    assert {kind: counts[kind] for kind in KINDS if counts[kind] not in KINDS[kind]} == {}


def test_each_fact_is_found_in_one_of_the_sources(
    golden: list[dict[str, Any]], knowledge: dict[str, str]
) -> None:
    for row in golden:
        texts = [knowledge[source] for source in row["expected"]["sources"]]
        for spellings in row["expected"]["facts"]:
            assert any(occurs(s, text) for s in spellings for text in texts), (row["id"], spellings)


def test_unanswerable_questions_have_neither_facts_nor_sources(golden: list[dict[str, Any]]) -> None:
    for row in golden:
        expected = row["expected"]
        if row["metadata"]["kind"] == "unanswerable":
            assert (expected["facts"], expected["sources"]) == ([], [])
            assert "no answer" in expected["answer"]
        else:
            assert expected["facts"], row["id"]
            assert expected["sources"], row["id"]


def test_questions_over_two_articles_need_both(
    golden: list[dict[str, Any]], knowledge: dict[str, str]
) -> None:
    for row in golden:
        sources, facts = row["expected"]["sources"], row["expected"]["facts"]
        if row["metadata"]["kind"] != "multi_hop":
            assert len(sources) <= 1, row["id"]
            continue
        assert len(set(sources)) == 2
        for source in sources:
            # Neither article alone may hold all facts.
            held = [any(occurs(s, knowledge[source]) for s in spellings) for spellings in facts]
            assert any(held), (row["id"], source)
            assert not all(held), (row["id"], source)
