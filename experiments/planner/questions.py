"""Pure: what can be planned, which inputs that takes, and how they are read from text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from evaltrack.stats.planning import KappaPrecision
from experiments.planner.words import percent, plain, points

NUMBER = re.compile(r"[+-]?(?:\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})", re.ASCII)


@dataclass(frozen=True)
class Field:
    """One input. `per` is how many of what is typed make 1: 100 for per cent and points."""

    name: str
    label: str
    unit: str
    default: str
    low: float
    high: float
    per: float = 1
    whole: bool = False
    help: str = ""


@dataclass(frozen=True)
class Question:
    """What is planned. `kinds`: the metrics, by kind, that show what it assumes; none where people do."""

    name: str
    label: str
    fields: tuple[Field, ...]
    kinds: tuple[str, ...] = ()
    tiers: bool = True
    human: bool = False


POWER = Field("power", "Power", "%", "80", 50, 99.9, 100, help="The chance to show it if it is true.")
DIFFERENCE, UPWARDS = "True difference", "Above 0 the candidate is better."
MARGIN = "Loss that is tolerated (margin)"


def at_hand(label: str = "Examples at hand", default: str = "250") -> Field:
    return Field("n", label, "", default, 1, 1_000_000, whole=True)


def of_shares(*assumed: Field, n: Field) -> tuple[Field, ...]:
    return (
        *assumed,
        Field("difference", DIFFERENCE, "points", "2", -100, 100, 100, help=UPWARDS),
        Field("margin", MARGIN, "points", "0", 0, 99, 100),
        POWER,
        n,
    )


def of_means(*assumed: Field, n: Field) -> tuple[Field, ...]:
    return (
        *assumed,
        Field("difference", DIFFERENCE, "", "0.05", -1e9, 1e9, help=UPWARDS),
        Field("margin", MARGIN, "", "0", 0, 1e9),
        POWER,
        n,
    )


QUESTIONS = {
    question.name: question
    for question in (
        Question(
            "paired_share",
            "A share of right answers, same examples",
            of_shares(
                Field("discordant", "Examples on which the two differ", "%", "10", 0.001, 100, 100),
                n=at_hand(),
            ),
            kinds=("binary",),
        ),
        Question(
            "paired_mean",
            "A mean score, same examples",
            of_means(
                Field("spread", "Standard deviation of the differences", "", "0.3", 1e-9, 1e9),
                n=at_hand(),
            ),
            kinds=("continuous",),
        ),
        Question(
            "two_shares",
            "A share of right answers, different examples",
            of_shares(
                Field("baseline", "The baseline's share", "%", "80", 0.1, 99.9, 100),
                n=at_hand("Examples at hand on each side"),
            ),
            kinds=("binary",),
        ),
        Question(
            "two_means",
            "A mean score, different examples",
            of_means(
                Field("sd", "Standard deviation on one side", "", "0.3", 1e-9, 1e9),
                n=at_hand("Examples at hand on each side"),
            ),
            kinds=("continuous",),
        ),
        Question(
            "win_rate",
            "What people prefer: a win rate",
            (
                Field(
                    "win_rate",
                    "True win rate",
                    "%",
                    "60",
                    0,
                    100,
                    100,
                    help="Of votes that decide; 50 is no difference.",
                ),
                Field("ties", "Votes that decide nothing", "%", "20", 0, 99, 100),
                Field("votes", "Votes for each prompt", "", "2", 1, 1000, whole=True),
                Field(
                    "alike",
                    "Correlation of votes on one prompt",
                    "",
                    "0.3",
                    0,
                    1,
                    help="0 if each vote speaks for itself, 1 if a second one adds nothing.",
                ),
                POWER,
                at_hand("Judgments at hand"),
            ),
            tiers=False,
            human=True,
        ),
        Question(
            "kappa",
            "How closely kappa is known",
            (
                Field("kappa", "True kappa", "", "0.6", -0.99, 0.99),
                Field(
                    "prevalence",
                    "Items with the first label",
                    "%",
                    "50",
                    0.1,
                    99.9,
                    100,
                    help="Of two labels; the rarer one is, the more items it takes.",
                ),
                Field(
                    "half_width",
                    "Half the width of the interval",
                    "",
                    "0.1",
                    0.001,
                    1,
                    help="0.1 is an interval from 0.1 below to 0.1 above.",
                ),
                at_hand("Items at hand, judged by two"),
            ),
            tiers=False,
            human=True,
        ),
    )
}


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────


def read(question: Question, given: Mapping[str, str]) -> tuple[dict[str, float], dict[str, str]]:
    """The values by name, and for each field that cannot be read a sentence."""
    values: dict[str, float] = {}
    problems: dict[str, str] = {}
    for field in question.fields:
        try:
            values[field.name] = number(field, given[field.name])
        except ValueError as error:
            problems[field.name] = str(error)
    return values, problems or impossible(question.name, values)


def number(field: Field, text: str) -> float:
    """What is typed, as the plan takes it; ValueError with a sentence."""
    bare = re.sub(r"\s", "", text).replace("−", "-").removesuffix("%")
    bare = bare.replace(",", "") if field.whole else bare
    if not bare:
        raise ValueError("Write a number; it was empty.")
    if "," in bare:
        raise ValueError(f"“{text}” has a comma. Write decimals with a point, such as 2.5.")
    if not NUMBER.fullmatch(bare):
        raise ValueError(f"“{text}” is not a number. Write it in digits, such as {field.default}.")
    value = float(bare)
    if field.whole and value != int(value):
        raise ValueError(f"{text} is not a whole number.")
    if not field.low <= value <= field.high:
        unit = f" {field.unit}" if field.unit else ""
        raise ValueError(f"{text} is out of range: from {plain(field.low)} to {plain(field.high)}{unit}.")
    return value / field.per


def impossible(name: str, values: Mapping[str, float]) -> dict[str, str]:
    """Inputs that each are fine and that no data could have together."""
    difference, margin = values.get("difference", 0.0), values.get("margin", 0.0)
    if name == "paired_share" and abs(difference) > values["discordant"] * (1 + 1e-12):
        return {
            "difference": f"{points(abs(difference))} are more than the {percent(values['discordant'])} of examples "
            "on which the two differ, and only those make a difference."
        }
    if name == "two_shares":
        candidate = values["baseline"] + difference
        if not -1e-12 <= candidate <= 1 + 1e-12:
            return {"difference": f"With it the candidate would have {percent(candidate)}."}
        if margin >= values["baseline"]:
            return {
                "margin": f"{points(margin)} below {percent(values['baseline'])} there is no share left to be worse."
            }
    if name == "kappa":
        try:
            KappaPrecision(values["kappa"], values["prevalence"])
        except ValueError:
            return {
                "kappa": f"Two people who use a label for {percent(values['prevalence'])} of items cannot have a "
                f"kappa of {plain(values['kappa'])}."
            }
    return {}
