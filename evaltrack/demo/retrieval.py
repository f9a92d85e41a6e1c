"""Retrieval and extractive answering over the shop's help articles, without any server.

An answer consists of sentences copied from the articles and of citations that name the articles they came
from. Nothing here is random: the same question, configuration and articles give the same answer.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

CONTENT = Path(__file__).parent / "content"
ABSTENTION = "I could not find this in our help pages."

# Words of grammar say nothing about a question's subject; left in, "how", "can" and "the" decide the match.
_GRAMMAR = """
    a about after all also am an and any are as at be been but by can could did do does for from get give
    had has have he her his how i if in into is it its just like may me my no not of off on one or our out she
    should so some still than that the their them then there they this to too up us was we were what when
    where which who why will with would you your
"""
STOP_WORDS = frozenset(_GRAMMAR.split())

# What customers say, and what the articles call it. Written from general knowledge of shops.
SYNONYMS = {
    "anorak": "jacket",
    "bike": "bicycle",
    "bikes": "bicycles",
    "bill": "invoice",
    "bought": "order",
    "broken": "fault damaged",
    "buy": "order",
    "car": "parking",
    "carton": "box",
    "cash": "money",
    "charge": "costs",
    "closing": "closed",
    "cost": "costs",
    "courier": "carrier",
    "discount": "percent",
    "duty": "customs",
    "email": "mail",
    "fee": "costs",
    "fix": "repair",
    "guarantee": "warranty",
    "hire": "rent rental",
    "hired": "rented rental",
    "kid": "child",
    "kids": "children",
    "login": "account",
    "mend": "repair",
    "open": "opening",
    "opened": "opening",
    "package": "parcel",
    "pay": "payment",
    "phone": "telephone",
    "postage": "delivery shipping",
    "price": "costs",
    "profile": "account",
    "purchase": "order",
    "reduced": "sale",
    "refund": "money back",
    "rent": "rental",
    "ship": "delivery",
    "shipping": "delivery",
    "shop": "store",
    "swap": "exchange",
    "swapping": "exchange",
    "toddler": "child",
    "voucher": "gift card",
    "warranty": "guarantee",
}

# What kind of figure a question asks for, and how a sentence that holds such a figure looks.
ANSWER_TYPES = (
    (
        re.compile(r"\b(cost|costs|price|pay|charge|fee|how much|penalty|owe)\b", re.I),
        re.compile(r"\d (EUR|CHF|GBP|NOK)\b|\bfree\b", re.I),
    ),
    (
        re.compile(
            r"\b(how long|how many days|how soon|how fast|how quickly|within what|until when)\b", re.I
        ),
        re.compile(r"\d (minutes|hours|working days|days|weeks|months|years)\b", re.I),
    ),
    (
        re.compile(r"\b(open|close|closed|shut|by what time|at what times?)\b", re.I),
        re.compile(r"\d:\d\d|\bclosed\b", re.I),
    ),
    (re.compile(r"\b(e-?mail|write|report)\b", re.I), re.compile(r"@")),
    (re.compile(r"\b(how far|how heavy|weight|weigh)\b", re.I), re.compile(r"\d (kg|cm|km|mm)\b", re.I)),
)
ANSWER_TYPE_BONUS = 0.08
# A whole article's similarity counts less than a sentence's own: at 1 the second article of a question that
# needs two is hardly ever heard.
ARTICLE_SHARE = 0.5

WORD = re.compile(r"\b\w\w+\b")
SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z0-9])")


@dataclass(frozen=True)
class Configuration:
    """One way of answering. Two configurations differ in nothing but these values."""

    name: str
    component: str
    version: str
    threshold: float
    """The least similarity, between 0 and 1, of the best article; below it the assistant abstains."""
    pairs: bool = False
    """Whether pairs of neighbouring words count beside single words."""
    char_weight: float = 0.0
    """The share of character n-grams in the similarity; they survive misspelt words."""
    sublinear: bool = False
    title_weight: int = 1
    """How often the title counts beside the text."""
    stop_words: bool = False
    synonyms: bool = False
    articles: int = 1
    """From how many of the best articles sentences may be taken."""
    sentences: int = 2
    rerank: bool = False
    """Whether sentences are ranked by their article and by the kind of figure asked for as well."""
    citation: str = "[{id}]"


@dataclass(frozen=True)
class Article:
    """A help article, with its text cut into sentences."""

    id: str
    title: str
    text: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """The whole text as the customer reads it, and which articles it rests on."""

    text: str
    citations: tuple[str, ...]
    abstained: bool


def load_articles(path: Path = CONTENT / "knowledge.jsonl") -> list[Article]:
    """The articles of a knowledge base: one JSON object a line with id, title and text."""
    articles = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        sentences = tuple(SENTENCE_END.split(row["text"]))
        articles.append(Article(row["id"], row["title"], row["text"], sentences))
    return articles


def stem(word: str) -> str:
    """A word without its commonest endings, so that "returns", "returned" and "return" are one."""
    for ending in ("ies", "ing", "ed", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 4 and not word.endswith("ss"):
            return word[: -len(ending)]
    return word


def words(text: str, *, without_stop_words: bool, pairs: bool) -> list[str]:
    """The stemmed words of a text, and if wanted each pair of neighbours as well."""
    stems = [stem(w) for w in WORD.findall(text.lower()) if not (without_stop_words and w in STOP_WORDS)]
    return stems + [f"{a} {b}" for a, b in pairwise(stems)] if pairs else stems


def expand(question: str) -> str:
    """The question with the articles' own words for what the customer says appended to it."""
    extra = [SYNONYMS[word] for word in WORD.findall(question.lower()) if word in SYNONYMS]
    return " ".join([question, *extra])


class Index:
    """The articles and their sentences as vectors, for one configuration."""

    def __init__(self, articles: list[Article], configuration: Configuration) -> None:
        self.configuration = configuration
        self.articles = articles
        self.sentences = [(number, text) for number, a in enumerate(articles) for text in a.sentences]
        self.owner = np.array([number for number, _ in self.sentences])
        whole = [" ".join([a.title] * configuration.title_weight + [a.text]) for a in articles]
        single = [text for _, text in self.sentences]
        analyse = partial(words, without_stop_words=configuration.stop_words, pairs=configuration.pairs)
        word = TfidfVectorizer(analyzer=analyse, sublinear_tf=configuration.sublinear)
        self._spaces = [(1.0 - configuration.char_weight, word)]
        if configuration.char_weight:
            char = TfidfVectorizer(
                analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=configuration.sublinear
            )
            self._spaces.append((configuration.char_weight, char))
        self._figures = np.array(
            [[shape.search(text) is not None for text in single] for _, shape in ANSWER_TYPES], dtype=float
        )
        # Sentences share the vocabulary of whole articles: how rare a word is, is a property of articles.
        self._matrices = [(space.fit_transform(whole), space.transform(single)) for _, space in self._spaces]

    def similarities(self, question: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The cosine of a question with each article and with each sentence."""
        text = expand(question) if self.configuration.synonyms else question
        of_articles = np.zeros(len(self.articles))
        of_sentences = np.zeros(len(self.sentences))
        for (weight, space), (articles, sentences) in zip(self._spaces, self._matrices, strict=True):
            query = space.transform([text]).T
            of_articles += weight * (articles @ query).toarray().ravel()
            of_sentences += weight * (sentences @ query).toarray().ravel()
        return of_articles, of_sentences

    def answer(self, question: str) -> Answer:
        """The best sentences for a question with their citations, or an abstention."""
        configuration = self.configuration
        of_articles, of_sentences = self.similarities(question)
        # A stable sort: among equals the earlier article wins, on every machine.
        best = np.argsort(-of_articles, kind="stable")[: configuration.articles]
        if of_articles[best[0]] < configuration.threshold:
            return Answer(ABSTENTION, (), abstained=True)
        scores = of_sentences
        if configuration.rerank:
            scores = of_sentences + ARTICLE_SHARE * of_articles[self.owner] + self._figure_bonus(question)
        candidates = np.flatnonzero(np.isin(self.owner, best))
        ranked = candidates[np.argsort(-scores[candidates], kind="stable")][: configuration.sentences]
        # The best article first, and within an article the order in which it was written.
        place = {int(number): position for position, number in enumerate(best)}
        chosen = sorted((int(number) for number in ranked), key=lambda n: (place[int(self.owner[n])], n))
        cited = tuple(dict.fromkeys(self.articles[self.owner[n]].id for n in chosen))
        parts = [self.sentences[n][1] for n in chosen]
        parts += [configuration.citation.format(id=article) for article in cited]
        return Answer(" ".join(parts), cited, abstained=False)

    def _figure_bonus(self, question: str) -> NDArray[np.float64]:
        """An addition for each sentence that holds a figure of the kind the question asks for."""
        asked = [kind for kind, (pattern, _) in enumerate(ANSWER_TYPES) if pattern.search(question)]
        return ANSWER_TYPE_BONUS * self._figures[asked].sum(axis=0)
