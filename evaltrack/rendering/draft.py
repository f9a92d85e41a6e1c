"""What one rendering has used up, and the formulas it sets aside until the sanitiser has run."""

import time
from dataclasses import dataclass, field

# Characters that mean something to markdown, ends of lines among them. Its parser needs up to 30 µs for each
# (measured: unmatched brackets).
MARKS = "[]*_|`<>-#~&\\!$+=\n"
MOST_MARKS = 20_000
MOST_PARTS = 2_000
MOST_FORMULAS = 400
MOST_FORMULA_CHARACTERS = 20_000
# Many lexers of Pygments need quadratic time for text that was made to that end; no bound on length alone helps.
# Of the processor, not of the clock: what a page shows must not depend on what else the machine does.
SECONDS_FOR_COLOUR = 0.3


@dataclass(frozen=True, slots=True)
class Formula:
    latex: str
    source: str
    display: bool


@dataclass(slots=True)
class Draft:
    marks: int = 0
    parts: int = 0
    formulas: list[Formula] = field(default_factory=list)
    formula_characters: int = 0
    colour_left: float = SECONDS_FOR_COLOUR

    def takes_markdown(self, text: str) -> bool:
        """Whether `text` still fits into what one page may cost; if so, it is counted."""
        marks = self.marks + sum(map(text.count, MARKS))
        if marks > MOST_MARKS:
            return False
        self.marks = marks
        return True

    def takes_part(self) -> bool:
        """Whether one more message, part or call of a conversation is drawn; it is counted in any case."""
        self.parts += 1
        return self.parts <= MOST_PARTS

    def keep(self, formula: Formula) -> int:
        self.formulas.append(formula)
        return len(self.formulas) - 1

    def takes_formula(self, formula: Formula) -> bool:
        self.formula_characters += len(formula.latex)
        return len(self.formulas) <= MOST_FORMULAS and self.formula_characters <= MOST_FORMULA_CHARACTERS

    def out_of_colour(self, since: float) -> bool:
        return time.thread_time() - since > self.colour_left
