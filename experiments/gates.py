"""Pure: from evidence to a decision, by interval and margin.

| the interval of the difference, better upwards  | outcome      |
|-------------------------------------------------|--------------|
| lies above 0                                    | PASS: better |
| lies above −margin                              | PASS: not worse than the margin |
| lies below −margin, and survives Holm           | FAIL         |
| anything else                                   | INCONCLUSIVE |

A gate passes when every gating metric passes; each is tested at its own level, as all of them must hold. It
fails when any gating metric or guardrail fails, and there Holm corrects: any one of many may fail by chance.
Where an experiment may be looked at several times, intervals and p-values are those of this look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from evaltrack.stats.estimate import Estimate, TestResult, Undefined, rounded
from evaltrack.stats.multiplicity import holm
from experiments.comparison import MOST_MISSING, Compared
from experiments.metrics.base import Direction, Kind
from experiments.stopping import ALPHA, ONE_LOOK, StopRule
from experiments.suite import HumanRule

# Fewer examples, or groups of them, than this on which both arms agree entirely say little about the next one.
FEWEST_IDENTICAL = 30
PASS, FAIL, INCONCLUSIVE = "PASS", "FAIL", "INCONCLUSIVE"


@dataclass(frozen=True)
class Judged:
    """A comparison with its outcome, and the sentence that explains it; `open` if more examples would settle it."""

    compared: Compared
    outcome: str
    p_adjusted: float | None
    sentence: str
    open: bool = False

    @property
    def explanation(self) -> str:
        """With advice, which is planned where it is read: of a table of hundreds that is one line."""
        advice = self.compared.advice if self.open else ""
        return " ".join(filter(None, (self.sentence, advice, why_tests_differ(self.compared))))


STILL_TO_JUDGE = "people still to judge"


class Ruling(Protocol):
    """The outcome of one metric, as far as the verdict needs it: a stored comparison is one."""

    metric: str
    role: str
    outcome: str
    explanation: str


@dataclass(frozen=True)
class People:
    """What people said, or what stands in for them: `proxy` names the metric that does, `proxy_cannot_pass` says why
    it may not pass the gate, and `proxy_note` what is behind it."""

    net_preference: Estimate | Undefined | None = None
    agreement: Estimate | Undefined | None = None
    proxy: str = ""
    proxy_outcome: str = ""
    proxy_cannot_pass: str = ""
    proxy_note: str = ""


@dataclass(frozen=True)
class Decision:
    """`automated` is the outcome of the metrics alone, `people` a sentence about the human part."""

    outcome: str
    provisional: bool
    automated: str
    people: str
    reasons: list[str]


def judge(comparisons: Sequence[Compared], stop: StopRule = ONE_LOOK) -> list[Judged]:
    """An outcome for each comparison; their intervals are of the confidence of `stop`."""
    tested = {
        place: stop.adjusted(c.p_worse)
        for place, c in enumerate(comparisons)
        if c.rule.role != "secondary" and c.p_worse is not None
    }
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    return [outcome_of(c, adjusted.get(place), stop.alpha) for place, c in enumerate(comparisons)]


def outcome_of(compared: Compared, p_adjusted: float | None, alpha: float) -> Judged:
    delta, margin = compared.oriented, compared.rule.margin
    asked = compared.n + compared.missing

    def judged(outcome: str, sentence: str) -> Judged:
        return Judged(compared, outcome, p_adjusted, sentence)

    if asked and compared.missing / asked > MOST_MISSING:
        return judged(
            INCONCLUSIVE,
            f"Not assessed: {compared.missing} of {asked} examples have no value in one of the arms.",
        )
    if compared.n < compared.rule.minimum_n:
        return judged(
            INCONCLUSIVE,
            f"Not assessed: {compared.n:,} examples have a value in both arms, "
            f"and the policy decides on {compared.rule.minimum_n:,} or more.",
        )
    if isinstance(delta, Undefined):
        return judged(INCONCLUSIVE, f"Not assessed: {delta.reason}.")
    if delta.ci_low is None or delta.ci_high is None:
        if compared.alike >= FEWEST_IDENTICAL and compared.metric.quantile is None:
            return judged(PASS, "Both arms have the same value on every example.")
        return judged(INCONCLUSIVE, f"Not assessed: {delta.ci_undefined}.")
    seen = interval_as_shown(compared)
    if delta.ci_low > 0:
        side = "above" if compared.metric.direction == Direction.HIGHER else "below"
        return judged(PASS, f"Better: the interval, {seen}, lies {side} 0.")
    if delta.ci_low > -margin:
        loss = " It is a real loss, within tolerance." if delta.ci_high < 0 else ""
        return judged(
            PASS,
            f"Not worse than the margin of {shown(compared, margin, sign=False)}: the interval is {seen}.{loss}",
        )
    if delta.ci_high < -margin:
        tested = compared.rule.role == "secondary" or p_adjusted is None or p_adjusted < alpha / 2
        if tested:
            return judged(
                FAIL,
                f"Worse by more than the margin of {shown(compared, margin, sign=False)}: the interval is {seen}.",
            )
        return judged(
            INCONCLUSIVE,
            f"Looks worse ({seen}), but does not hold once all metrics of the gate are counted (Holm).",
        )
    return Judged(
        compared,
        INCONCLUSIVE,
        p_adjusted,
        f"The interval, {seen}, holds both more and less than the tolerated loss of "
        f"{shown(compared, margin, sign=False)}.",
        open=True,
    )


def interval_as_shown(compared: Compared) -> str:
    """The interval of candidate minus baseline, as the table shows it: not turned so that better is up."""
    delta = compared.delta
    assert isinstance(delta, Estimate)
    assert delta.ci_low is not None
    assert delta.ci_high is not None
    return f"{shown(compared, delta.ci_low)} to {shown(compared, delta.ci_high)}"


def why_tests_differ(compared: Compared) -> str:
    """Why the specification's test and the deciding one say different things, where they do."""
    p_values = [test.p_value for test in compared.tests.values() if isinstance(test, TestResult)]
    level = rounded(1 - compared.delta.confidence) if isinstance(compared.delta, Estimate) else ALPHA
    if compared.design != "paired" or len({p < level for p in p_values}) < 2:
        return ""
    if compared.decided_by == "clustered_t":
        return (
            "The tests differ: examples of one group are not independent, so the test by groups decides, and the "
            "other one takes them for as many independent examples of each arm."
        )
    name = "two-proportion z-test" if compared.metric.kind == Kind.BINARY else "t-test of independent samples"
    return (
        "The tests differ: both arms answered the same examples, so the paired test decides, "
        f"and the {name} overlooks the pairing."
    )


def shown(compared: Compared, number: float, *, sign: bool = True) -> str:
    plus = "+" if sign else ""
    if compared.metric.kind == Kind.BINARY:
        return f"{number * 100:{plus}.1f} points"
    digits = 0 if compared.metric.unit == "ms" else 3
    return f"{number:{plus}.{digits}f} {compared.metric.unit}".strip()


def decide(
    rulings: Sequence[Ruling], *, rule: HumanRule | None, people: People | None, needed: bool
) -> Decision:
    """The verdict of an experiment. `people` None: nobody has spoken yet, nor does a proxy for them."""
    automated = automated_outcome(rulings)
    reasons = [
        f"{each.metric}: {each.explanation}"
        for each in rulings
        if each.role == "gating" or (each.role == "guardrail" and each.outcome != PASS)
    ]
    if not needed or rule is None:
        return Decision(automated, False, automated, "not asked by the gate policy", reasons)
    if people is None:
        return Decision(
            INCONCLUSIVE, False, automated, STILL_TO_JUDGE, ["People still have to judge.", *reasons]
        )
    if people.proxy:
        sentence = (
            f"PROXY: {people.proxy} stands in for people and says {people.proxy_outcome}. "
            "The verdict is provisional until they have judged."
        )
        held_back = people.proxy_cannot_pass if people.proxy_outcome == PASS else ""
        outcome = worst(automated, INCONCLUSIVE if held_back else people.proxy_outcome)
        said = [each for each in (sentence, held_back, people.proxy_note) if each]
        return Decision(outcome, True, automated, f"PROXY by {people.proxy}", [*said, *reasons])
    outcome, sentence = human_outcome(people, rule)
    return Decision(worst(automated, outcome), False, automated, outcome, [sentence, *reasons])


def automated_outcome(rulings: Sequence[Ruling]) -> str:
    """The metrics' own outcome. A guardrail can hold a PASS back, it cannot make one; the suite has a gate."""
    return worst(*(each.outcome for each in rulings if each.role != "secondary"))


def human_outcome(people: People, rule: HumanRule) -> tuple[str, str]:
    """The outcome of closed human judgments: usable only if people agree with each other beyond chance."""
    preference, agreement = people.net_preference, people.agreement
    if not isinstance(preference, Estimate) or preference.ci_low is None or preference.ci_high is None:
        reason = (
            preference.reason if isinstance(preference, Undefined) else "too few judgments for an interval"
        )
        return INCONCLUSIVE, f"People: {reason}."
    seen = f"net preference {preference.value:+.2f} ({preference.ci_low:+.2f} to {preference.ci_high:+.2f})"
    if preference.ci_high < -rule.margin:
        return FAIL, f"People prefer the baseline: {seen}, below the margin of {rule.margin:.2f}."
    if preference.ci_low <= -rule.margin:
        return INCONCLUSIVE, f"People: {seen}; the interval reaches below the margin of {rule.margin:.2f}."
    if usable(agreement, rule.floor) != USABLE:
        return INCONCLUSIVE, (
            f"People: {seen}, but their {rule.coefficient} is {agreement_as_shown(agreement)}: its lower limit "
            f"does not reach the floor of {rule.floor:.2f}, so their judgments cannot pass the gate."
        )
    return PASS, f"People do not prefer the baseline: {seen}, and they agree with each other."


def word(outcome: str, delta: Estimate | Undefined, margin: float, direction: str) -> str:
    """The outcome of one metric in a word: which way a PASS points, and what INCONCLUSIVE lacks."""
    if isinstance(delta, Undefined) or delta.ci_low is None or delta.ci_high is None:
        return "Identical" if outcome == PASS else "Not assessed"
    low, high = delta.ci_low, delta.ci_high
    if direction == Direction.LOWER:
        low, high = -high, -low
    if outcome == FAIL:
        return "Worse"
    if outcome == INCONCLUSIVE:
        return "Not settled"
    return "Better" if low > 0 else "Equivalent" if high < margin else "Not worse"


USABLE, UNRELIABLE, UNSETTLED, UNDEFINED = "usable", "unreliable", "inconclusive", "undefined"


def usable(agreement: Estimate | Undefined | None, floor: float) -> str:
    """Whether judgments may pass a gate: by where the interval of their agreement lies against the floor."""
    if not isinstance(agreement, Estimate) or agreement.ci_low is None or agreement.ci_high is None:
        return UNDEFINED
    if agreement.ci_low >= floor:
        return USABLE
    return UNRELIABLE if agreement.ci_high < floor else UNSETTLED


def disagree(agreement: Estimate | Undefined | None, floor: float) -> bool:
    """Whether people agree less than is asked, as far as is known: a warning to the reader, not the rule."""
    return isinstance(agreement, Estimate) and agreement.value < floor


def agreement_as_shown(agreement: Estimate | Undefined | None) -> str:
    if not isinstance(agreement, Estimate) or agreement.ci_low is None:
        return "undefined"
    return f"{agreement.value:.2f} from {agreement.ci_low:.2f}"


def worst(*outcomes: str) -> str:
    return next(outcome for outcome in (FAIL, INCONCLUSIVE, PASS) if outcome in outcomes)
