"""Formulas: LaTeX to MathML, put into the text after the sanitiser, which knows no MathML."""

import re

from latex2mathml.converter import Converter

from evaltrack.rendering import mathml
from evaltrack.rendering.draft import Draft, Formula
from evaltrack.rendering.formula_marks import LONGEST
from evaltrack.rendering.hidden import escaped

DEEPEST = 100
# What `markdown` writes. Text can't forge it: its angle brackets are escaped, and no attribute holds any.
PLACE = re.compile(r'<span class="formula">([0-9]+)</span>')
# A definition that uses itself twice, thirty times over, is a billion signs.
DEFINITIONS = re.compile(
    r"\\(?:def|gdef|edef|xdef|let|newcommand|renewcommand|providecommand|newenvironment)\b"
)
BRACKETS = re.compile(r"\\left\b|\\right\b|\\begin\b|\\end\b|\\.|[{}]", re.DOTALL)


def filled(markup: str, draft: Draft) -> str:
    """Sanitised markup with each place taken by its formula."""
    return PLACE.sub(lambda place: _formula(draft.formulas[int(place[1])], draft), markup)


def _formula(formula: Formula, draft: Draft) -> str:
    markup = _mathml(formula) if draft.takes_formula(formula) else None
    if markup is None:
        return f'<code class="formula-source">{escaped(formula.source)}</code>'
    if formula.display:
        return f'<span class="formula-display" tabindex="0" role="group" aria-label="Formula">{markup}</span>'
    return markup


def _mathml(formula: Formula) -> str | None:
    """MathML, or None for what can't be drawn: then the reader gets the source."""
    if len(formula.latex) > LONGEST or not _is_balanced(formula.latex) or DEFINITIONS.search(formula.latex):
        return None
    try:
        element = Converter(display="block" if formula.display else "inline").convert_to_element(
            formula.latex
        )
        return mathml.written(element)
    except Exception:  # noqa: BLE001 — the library answers broken LaTeX with whatever its code ran into
        return None


def _is_balanced(latex: str) -> bool:
    """Whether braces, \\left and \\begin all close, and nest no deeper than the converter can follow."""
    depth = 0
    for sign in BRACKETS.findall(latex):
        if sign in {"{", "\\left", "\\begin"}:
            depth += 1
        elif sign in {"}", "\\right", "\\end"}:
            depth -= 1
        if not 0 <= depth <= DEEPEST:
            return False
    return depth == 0
