"""Pure: a plan in words, as a table over n, and as a curve."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evaltrack.stats import planning
from evaltrack.stats.planning import Design, KappaPrecision, Plan, WinRate
from experiments.planner.words import percent, plain, points, told_number

NEGLIGIBLE = 5e-5  # of a unit, or of a standard deviation: rounding, where a difference is found by iteration
DRAWN = 48  # points of a curve
MOST_DISCORDANT = 10_000  # beyond, normal quantiles give the same power, and sooner
WIDEST = 100_000_000  # where a curve ends at the latest


@dataclass(frozen=True)
class Size:
    """A row of the table: n, why it stands there, and what n of them can do; None where they show nothing."""

    n: int
    names: tuple[str, ...]
    shows: str
    power: float | None
    prompts: int | None = None

    @property
    def number(self) -> str:
        return f"{self.n:,}"

    @property
    def chance(self) -> str:
        return "" if self.power is None else percent(self.power, 3)


@dataclass(frozen=True)
class Answer:
    """`needed` is None where no number is enough, which `sentence` then says.

    `curve` goes over n; `level` is the height that is asked for.
    """

    needed: int | None
    sentence: str
    at_hand: str
    sizes: tuple[Size, ...]
    heading: str
    power_heading: str
    note: str
    curve: tuple[tuple[int, float], ...]
    level: float


def answer(name: str, values: Mapping[str, float], sizes: Mapping[int, str], unit: str = "") -> Answer:
    """What was asked, for values that `read` took. `sizes` are numbers worth a row, with their names."""
    if name == "kappa":
        return of_kappa(values, sizes)
    design = design_of(name, values)
    return of_design(Told(name, design, values, unit), sizes)


def design_of(name: str, values: Mapping[str, float]) -> Design:
    if name == "win_rate":
        return WinRate(values["ties"], int(values["votes"]), values["alike"])
    margin = values["margin"]
    if name == "paired_share":
        return planning.PairedShares(values["discordant"], margin=margin)
    if name == "paired_mean":
        return planning.OneMean(values["spread"], margin=margin)
    if name == "two_shares":
        return planning.IndependentShares(values["baseline"], margin=margin)
    return planning.TwoMeans(values["sd"], margin=margin)


@dataclass(frozen=True)
class Told:
    """A design with what is asked of it, and the words for both."""

    name: str
    design: Design
    values: Mapping[str, float]
    unit: str

    @property
    def difference(self) -> float:
        return self.values["win_rate"] - 0.5 if self.name == "win_rate" else self.values["difference"]

    @property
    def is_share(self) -> bool:
        return self.name in ("paired_share", "two_shares")

    @property
    def worse(self) -> bool:
        """Whether the truth lies below what is tolerated, so that this is what n would show."""
        return self.difference < -self.design.margin

    def amount(self, size: float) -> str:
        """A difference without its sign."""
        return points(size) if self.is_share else f"{plain(size, 3)} {self.unit}".strip()

    def claim(self) -> str:
        """What is to be shown."""
        if self.name == "win_rate":
            return f"a win rate of {percent(self.values['win_rate'])}"
        if not self.design.margin:
            return f"a {'loss' if self.worse else 'difference'} of {self.amount(abs(self.difference))}"
        negated = "" if self.worse else "not "
        return f"that the candidate is {negated}worse than the margin of {self.amount(self.design.margin)}"

    def truth(self, difference: float) -> str:
        if abs(difference) < NEGLIGIBLE * self.design.unit:
            return "as good as the baseline"
        return f"{self.amount(abs(difference))} {'better' if difference > 0 else 'worse'}"

    def assumed(self) -> str:
        values = self.values
        return {
            "paired_share": lambda: f"the two differ on {percent(values['discordant'])} of them",
            "paired_mean": lambda: (
                f"differences have a standard deviation of {self.amount(values['spread'])}"
            ),
            "two_shares": lambda: f"the baseline is right on {percent(values['baseline'])}",
            "two_means": lambda: (
                f"scores have a standard deviation of {self.amount(values['sd'])} on each side"
            ),
            "win_rate": lambda: (
                f"{percent(values['ties'])} of votes decide nothing"
                + (
                    f" and the {plain(values['votes'])} votes on a prompt correlate by {plain(values['alike'])}"
                    if values["votes"] > 1
                    else ""
                )
            ),
        }[self.name]()

    def power(self, n: int) -> float:
        """Of the deciding test by enumeration where there is one: quantiles promise too much for small n."""
        few = n * self.values.get("discordant", 0) <= MOST_DISCORDANT
        exact = self.design.enumerated(n, self.difference) if few and self.difference else None
        return self.design.power(n, self.difference) if exact is None else exact

    def smallest(self, n: int, power: float) -> str:
        """The smallest true difference that n show, or that there is none."""
        found = self.design.detectable(n, power, worse=self.worse)
        if not isinstance(found, Plan):
            return ""
        if self.name == "win_rate":
            return percent(0.5 + found.difference, digits=3)
        if not self.design.margin:
            return self.amount(abs(found.difference))
        return self.truth(found.difference)

    def prompts(self, n: int) -> int | None:
        return self.design.prompts(n) if isinstance(self.design, WinRate) else None


def of_design(told: Told, sizes: Mapping[int, str]) -> Answer:
    design, power, at_hand = told.design, told.values["power"], int(told.values["n"])
    plan = design.needed(told.difference, power)
    needed = plan.n if isinstance(plan, Plan) else None
    if isinstance(plan, Plan):
        sentence = (
            f"{told_number(plan.n, design.counted)} {'shows' if plan.n == 1 else 'show'} {told.claim()} "
            f"with {percent(power)} power, if {told.assumed()}{in_truth(told)}."
        )
        if isinstance(design, WinRate) and design.votes > 1:
            sentence = f"{sentence[:-1]}: {told_number(design.prompts(plan.n), 'prompts')}."
    else:
        sentence = (
            f"No number of {design.counted} is enough: what is to be shown lies on the limit itself. "
            "Ask for another difference or margin."
        )
    rows = table(sizes, at_hand, needed)
    return Answer(
        needed=needed,
        sentence=sentence,
        at_hand=with_those(told, at_hand, power),
        sizes=tuple(
            Size(n, names, told.smallest(n, power) or "none", told.power(n), told.prompts(n))
            for n, names in rows.items()
        ),
        heading=heading(told),
        note=note(told, power),
        power_heading=f"Power to show {'it' if design.margin else told.claim()}",
        curve=curve(told.power, rows, needed),
        level=power,
    )


def in_truth(told: Told) -> str:
    """Without a margin the claim already says what is true."""
    return f" and it is in truth {told.truth(told.difference)}" if told.design.margin else ""


def with_those(told: Told, n: int, power: float) -> str:
    smallest = told.smallest(n, power)
    those = f"The {told_number(n, told.design.counted)} at hand can show"
    chance = (
        f"the power for {'it' if told.design.margin else told.claim()} is {percent(told.power(n), digits=3)}"
    )
    if not smallest:
        return f"{those} no difference at all with {percent(power)} power; {chance}."
    if told.design.margin:
        return f"{those} it where the candidate is {bound(told, smallest)} in truth; {chance}."
    side = "down" if told.name == "win_rate" and told.worse else "up"
    thing = "a win rate" if told.name == "win_rate" else "a loss" if told.worse else "a difference"
    return f"{those} {thing} from {smallest} {side}; {chance}."


def bound(told: Told, smallest: str) -> str:
    if smallest.startswith("as good"):
        return smallest
    return f"at {'most' if smallest.endswith('worse') and not told.worse else 'least'} {smallest}"


def heading(told: Told) -> str:
    if told.name == "win_rate":
        return f"{'Largest' if told.worse else 'Smallest'} win rate shown"
    if told.design.margin:
        return "Shown where the candidate is"
    return f"Smallest {'loss' if told.worse else 'difference'} shown"


def note(told: Told, power: float) -> str:
    shown = f"What is shown is so with {percent(power)} power."
    if told.name != "paired_share" or told.design.margin:
        return shown
    return (
        f"{shown} It follows Connor’s formula, which for few examples promises too much; "
        "the power beside it is that of McNemar’s mid-p test by enumeration."
    )


def of_kappa(values: Mapping[str, float], sizes: Mapping[int, str]) -> Answer:
    design = KappaPrecision(values["kappa"], values["prevalence"])
    half, at_hand = values["half_width"], int(values["n"])
    needed = design.needed(half)
    rows = table(sizes, at_hand, needed)
    return Answer(
        needed=needed,
        sentence=f"{told_number(needed, 'items')}, each judged by two people, show kappa to within {plain(half)}, "
        f"if it is {plain(values['kappa'])} and the first of two labels fits {percent(values['prevalence'])} "
        "of them.",
        at_hand=f"The {told_number(at_hand, 'items')} at hand can show it to within "
        f"{plain(design.half_width(at_hand), 2)}.",
        sizes=tuple(Size(n, names, f"± {plain(design.half_width(n), 2)}", None) for n, names in rows.items()),
        heading="Interval of kappa",
        power_heading="",
        note="",
        curve=curve(design.half_width, rows, needed),
        level=half,
    )


def table(sizes: Mapping[int, str], at_hand: int, needed: int | None) -> dict[int, tuple[str, ...]]:
    """Each n once, with all that is said of it, ascending."""
    named: dict[int, list[str]] = {n: [name] if name else [] for n, name in sizes.items()}
    named.setdefault(at_hand, []).append("at hand")
    if needed is not None:
        named.setdefault(needed, []).append("needed")
    return {n: tuple(named[n]) for n in sorted(named)}


def curve(
    height: Callable[[int], float], rows: Mapping[int, object], needed: int | None
) -> tuple[tuple[int, float], ...]:
    """Heights over n, at distances that look equal on a logarithmic axis, and at each row that it reaches."""
    least = max(1, min(rows))
    most = min(max(*rows, 2 * needed if needed else 10 * max(rows), 10 * least), WIDEST)
    least = min(least, most // 10)
    spread = [round(least * (most / least) ** (place / (DRAWN - 1))) for place in range(DRAWN)]
    return tuple((n, height(n)) for n in sorted({*spread, *(n for n in rows if n <= most)}))
