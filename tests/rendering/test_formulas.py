"""Formulas become MathML, and nothing but formulas; what can't be drawn is shown as it was written."""

import pytest

from evaltrack.rendering import html_of
from tests.rendering.reading import assert_safe


def drawn(content):
    markup = html_of(content, "markdown")
    assert_safe(markup)
    return markup


@pytest.mark.parametrize(
    "content",
    [
        "$x$",
        "$x^2 + y_1$",
        "($a+b$).",
        "$2x + 3y$",
        "$5$",
        "**$x$**",
        "$3 \\text{ apples and pears}$",
        "\\(a<b\\)",
        "$f(x) = \\frac{1}{2}$, so",
        "$\\$5 + x$",
        "$a$–$b$",
        "- $x$",
        "|$x$|\n|-|",
    ],
)
def test_a_formula_in_a_line(content):
    assert '<math display="inline">' in drawn(content)


@pytest.mark.parametrize(
    "content",
    [
        "$$x$$",
        "$$\nx = 1\n$$",
        "\\[x\\]",
        "\\[\n- x\n= 2\n\\]",
        "so $$x$$ holds",
        "text\n$$\nx\n$$\ntext",
        "- a\n\n  $$\n  x\n  $$",
        "> \\[\n> x\n> \\]",
        "$$\na\n\nb\n$$",
    ],
)
def test_a_formula_of_its_own(content):
    markup = drawn(content)
    assert markup.count('<math display="block">') == 1
    assert "$$" not in markup


@pytest.mark.parametrize(
    "content",
    [
        "$5 and $10",
        "it is $5, or 10$ there",
        "US$5 or US$6",
        "$5-10 and 20$",
        "5$, 10$",
        "$HOME/bin:$PATH",
        "$1,000–$2,000",
        "**$5** or **$10**",
        "$$ or $$$",
        "a $ b $ c",
        "$5 `a$`",
        "\\$x\\$",
        "$ x$",
        "$x $",
        "`$x$`",
        "$5 million (up 3%) and A$",
        "$",
        "$$",
        "$$$$",
        "\\(\\)",
        "$$\n$$",
        "    $$x$$",
        "\\[see the annex\\]",
        "$x",
        "US$5M vs. C$6M",
    ],
)
def test_prices_and_variables_are_no_formulas(content):
    assert "<math" not in drawn(content)


def test_two_prices_around_a_formula_leave_it_alone():
    markup = drawn("costs $5 and $x^2$ and $10")
    assert markup.count("<math") == 1
    assert "costs $5 and <math" in markup


def test_markdown_does_not_reach_into_a_formula():
    assert "<em>" not in drawn("$a_1 * b_2 * c_3$ and $$a_1 * b * c_2$$")


@pytest.mark.parametrize(
    "latex",
    [
        r"\frac{",
        r"\left(x",
        r"x^a^b",
        r"\begin{matrix}a&b",
        r"{",
        r"}",
        r"\sqrt",
        r"\def\a{x}\a",
        r"\newcommand{\a}{x}\a",
        r"\genfrac{}{}{}{9}{a}{b}",
        "{" * 101 + "x" + "}" * 101,
        r"\end{matrix}",
        r"\limits",
        r"_",
        r"\right)",
    ],
)
def test_broken_latex_is_shown_as_it_was_written(latex):
    page = assert_safe(html_of(f"a $ {latex}$ \\({latex}\\) b", "markdown"))
    assert "<math" not in html_of(f"\\({latex}\\)", "markdown")
    assert page.text.strip().startswith("a")
    assert page.text.strip().endswith("b")


def test_the_source_of_a_broken_formula_keeps_its_signs():
    assert '<code class="formula-source">$\\frac{a$</code>' in drawn("$\\frac{a$")


def test_an_unknown_command_stays_readable():
    assert "\\foobar" in drawn("$\\foobar{x}$")


def test_addresses_classes_colours_and_styles_are_dropped_and_the_formula_stays():
    markup = drawn(
        r"$\href{javascript:alert(1)}{a} \class{site-header}{b} \style{position:fixed}{c} \color{white}{d} \Huge{e}$"
    )
    assert "<math" in markup
    for gone in ("javascript", "site-header", "position", "white", "mathsize"):
        assert gone not in markup
    for letter in "abcde":
        assert f"<mi>{letter}</mi>" in markup


def test_a_formula_can_neither_hide_text_nor_push_the_page_around():
    markup = drawn(r"$\phantom{secret} \hspace{9999em} \rule{99em}{99em}$")
    assert "mphantom" not in markup
    assert "99em" not in markup


def test_text_in_a_formula_is_escaped_once():
    assert "<mtext>&lt;b&gt;</mtext>" in drawn(r"$\text{<b>}$")
    assert "<mo>&lt;</mo>" in drawn("$a < b$")


def test_what_hides_in_a_formula_is_visible():
    assert "⟦U+202E⟧" in drawn("$\\text{a\u202eb}$")
    assert "⟦U+202E⟧" in drawn("$\\text{a&#x202e;b}$")


def test_a_page_draws_so_many_formulas_and_shows_the_others():
    markup = drawn("$x$ " * 500)
    assert markup.count("<math") == 0
    assert markup.count("formula-source") == 500
    assert drawn("$x$ " * 400).count("<math") == 400


def test_a_long_formula_is_shown_as_it_was_written():
    assert "<math" in drawn("\\(" + "x" * 2_000 + "\\)")
    assert "<math" not in drawn("\\(" + "x" * 2_001 + "\\)")


@pytest.mark.parametrize("script", ["^{-1}", "_k", "^T_k"])
def test_a_matrix_has_exponents_and_indices(script):
    markup = drawn(f"$$\\begin{{pmatrix}} a & b \\\\ c & d \\end{{pmatrix}}{script}$$")
    assert "<mtable>" in markup
    assert "formula-source" not in markup
