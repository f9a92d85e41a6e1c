"""The style sheet of rendered text: every class has a rule, every colour can be read."""

import math
import re

import pytest

from evaltrack.rendering.allowed import OWN_CLASSES
from tests.architecture.sources import ROOT

CSS = ROOT / "evaltrack" / "static" / "evaltrack" / "css"
SHEET = re.sub(r"/\*.*?\*/", "", (CSS / "prose.css").read_text(), flags=re.S)
TOKENS = (CSS / "tokens.css").read_text()
OKLCH = r"oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)"
# Classes that only say what something is.
UNSTYLED = {"json-key", "formula"}


def colours(scheme):
    """Name → OKLCH of each token, light or dark."""
    found = re.findall(rf"--([\w-]+): light-dark\({OKLCH}, {OKLCH}\);", TOKENS)
    return {name: tuple(map(float, rest[:3] if scheme == "light" else rest[3:])) for name, *rest in found}


def luminance(colour):
    """Relative luminance (WCAG 2.2) of an OKLCH colour, by Ottosson's matrices; out of sRGB it is clipped."""
    lightness, chroma, hue = colour
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short
    red, green, blue = (min(1, max(0, each)) for each in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_measure_of_contrast_is_right_at_its_ends():
    assert contrast((1, 0, 0), (0, 0, 0)) == pytest.approx(21, abs=0.01)
    assert contrast((1, 0, 0), (1, 0, 0)) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["surface", "sunken"])
@pytest.mark.parametrize(
    "name", ["text", "dim", "good", "bad", "code-keyword", "code-string", "code-number", "code-name"]
)
def test_text_can_be_read(name, ground, scheme):
    palette = colours(scheme)
    assert contrast(palette[name], palette[ground]) >= 4.5


def test_every_class_that_the_renderer_writes_has_a_rule():
    missing = [name for name in OWN_CLASSES - UNSTYLED if not re.search(rf"\.{name}(?![\w-])", SHEET)]
    assert not missing


def test_every_colour_is_a_token_that_exists():
    used = set(re.findall(r"color: ([^;]+);", SHEET))
    assert all(re.fullmatch(r"var\(--[\w-]+\)", each) for each in used)
    defined = set(re.findall(r"--([\w-]+):", TOKENS))
    assert set(re.findall(r"var\(--([\w-]+)\)", SHEET)) <= defined
