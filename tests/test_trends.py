"""The picture of a quantity over time, as SVG."""

import itertools
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.templatetags import trends
from evaltrack.templatetags.trends import HEIGHT, Lane, Point, nice_ticks, plot

NUMBERS = st.floats(-1e9, 1e9)


def measured(value, half=0.1):
    return {"value": value, "ci_low": value - half, "ci_high": value + half}


def drawing(points):
    return ElementTree.fromstring(f"<div>{plot(points, str)}</div>")


@settings(derandomize=True, deadline=None)
@given(NUMBERS, NUMBERS)
def test_ticks_are_round_few_and_hold_everything(one, other):
    low, high = sorted((one, other))
    ticks = nice_ticks(low, high)
    slack = 1e-6 * max(1, abs(low), abs(high))
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert 2 <= len(ticks) <= trends.TICKS + 3
    steps = [after - before for before, after in itertools.pairwise(ticks)]
    assert steps == pytest.approx([steps[0]] * len(steps))
    assert float(f"{steps[0]:.5e}"[:7]) in {1, 2, 5}


def test_known_ticks():
    assert nice_ticks(0.42, 0.91) == pytest.approx([0.4, 0.6, 0.8, 1.0])
    assert nice_ticks(0, 0) == pytest.approx([-1, -0.5, 0, 0.5, 1])
    assert nice_ticks(20, 20)[0] < 20 < nice_ticks(20, 20)[-1]


def test_everything_drawn_stays_in_the_picture():
    picture = drawing(
        [Point(measured(0.5), measured(0.4), "good", "a"), Point(measured(9), measured(8), "bad", "b")]
    )
    heights = [
        float(value)
        for element in picture.iter()
        for name, value in element.attrib.items()
        if name in {"y1", "y2", "cy"}
    ]
    assert heights
    assert all(0 <= height <= HEIGHT for height in heights)
    shares = [float(element.attrib["cx"].rstrip("%")) for element in picture.iter("circle")]
    assert shares == [25, 75]


def test_higher_is_up_and_a_mark_stands_before_its_point():
    picture = drawing(
        [Point(measured(1), {}, "flat", ""), Point(measured(2), {}, "flat", "", mark="promotion")]
    )
    first, second = (float(element.attrib["cy"]) for element in picture.iter("circle"))
    assert first > second
    mark = next(element for element in picture.iter("line") if "mark" in element.attrib["class"])
    assert mark.attrib["x1"] == "50.00%"


def test_what_has_no_value_is_not_drawn():
    gone = {"undefined": "no answers"}
    picture = drawing([Point(gone, measured(1), "flat", ""), Point(measured(1), gone, "flat", "")])
    assert len(list(picture.iter("circle"))) == 1
    assert len(list(picture.iter("rect"))) == 1
    assert "Nothing to draw" in plot([Point(gone, {}, "flat", "")], str)


def test_text_is_escaped():
    assert "<script>" not in plot([Point(measured(1), {}, "flat", "<script>")], lambda number: "<script>")


def test_what_is_pinned_is_a_line_where_it_means_something_and_is_named_once():
    pinned = measured(5)
    picture = drawing_of(
        [
            Point(measured(1), {}, "flat", "", pinned=pinned),
            Point(measured(2), {}, "flat", "", pinned=pinned),
            Point(measured(3), {}, "flat", ""),
        ],
        pin="v3",
    )
    lines = [line for line in picture.iter("line") if line.attrib["class"] == "pinned"]
    assert [(line.attrib["x1"], line.attrib["x2"]) for line in lines] == [
        ("0.00%", "33.33%"),
        ("33.33%", "66.67%"),
    ]
    assert (
        0 <= float(lines[0].attrib["y1"]) < min(float(each.attrib["cy"]) for each in picture.iter("circle"))
    )
    assert [text.text for text in picture.iter("text") if text.attrib.get("class") == "pinned-name"] == ["v3"]


def test_events_stand_in_their_lane_before_their_point():
    points = [Point(measured(n), {}, "flat", "") for n in range(3)]
    lanes = [Lane("Model", ["", "model is now m2", ""]), Lane("Prompt", ["", "<b>", "x"])]
    picture = drawing_of(points, lanes=lanes)
    dots = [dot for dot in picture.iter("circle") if dot.attrib["class"] == "event"]
    assert [dot.attrib["cx"] for dot in dots] == ["33.33%", "33.33%", "66.67%"]
    assert HEIGHT < float(dots[0].attrib["cy"]) < float(dots[1].attrib["cy"]) == float(dots[2].attrib["cy"])
    height = float(
        next(svg for svg in picture.iter("svg") if svg.attrib["class"] == "trend").attrib["height"]
    )
    assert float(dots[2].attrib["cy"]) + 4 < height
    assert "Model" in [text.text for text in picture.iter("text")]


def drawing_of(points, **given):
    return ElementTree.fromstring(f"<div>{plot(points, str, **given)}</div>")
