"""The copy menus, in a browser: what the clipboard and the files then hold."""

import csv
import io

import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Page, expect

from tests.browser.conftest import call

FAQ = "customer-faq"
# As on a page that is not served over HTTPS.
NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', {value: undefined})"

MARGIN, SQUARE = 16, 24
# Of 255, over a square: smoothing makes up to 26; a line of words that should not be there makes 41.
UNLIKE = 34


@pytest.fixture
def measured(demo):
    """An experiment of the demo that is scored, as the API tells it."""
    public_id = call(demo, f"experiments?component={FAQ}")["results"][-1]["id"]
    return call(demo, f"experiments/{public_id}")


@pytest.fixture
def page(demo, sign_in, measured) -> Page:
    opened = sign_in("owner")
    opened.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=demo.url)
    opened.goto(f"/experiments/{measured['id']}/")
    return opened


def menu(page: Page, of: str = "the metrics"):
    """The menu of one table, opened by the keyboard alone."""
    button = page.get_by_role("button", name=f"Copy {of}", exact=True)
    button.focus()
    page.keyboard.press("Enter")
    opened = page.get_by_role("group", name=f"Copy {of}")
    expect(opened).to_be_visible()
    return opened


def pressed(page: Page, opened, name: str) -> None:
    # By Tab, from the button that has opened the menu.
    for _ in range(12):
        page.keyboard.press("Tab")
        if (
            opened.locator(":focus").count()
            and opened.locator(":focus").inner_text().replace("\n", " ") == name
        ):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"the keyboard does not reach {name}")


def clipboard(page: Page) -> str:
    return page.evaluate("navigator.clipboard.readText()")


def drawn(content: bytes) -> Image.Image:
    """The picture, which is no single colour."""
    picture = Image.open(io.BytesIO(content))
    picture.load()
    assert picture.format == "PNG"
    return picture.convert("RGB")


def colours(picture: Image.Image) -> set[tuple[int, ...]]:
    return {colour for _, colour in picture.getcolors(picture.width * picture.height)}


def test_the_keyboard_copies_a_table_and_the_words_say_so(page, measured):
    opened = menu(page)
    pressed(page, opened, "Copy as CSV")
    expect(opened.get_by_role("status")).to_have_text("CSV is copied.")
    rows = {row["metric"]: row for row in csv.DictReader(io.StringIO(clipboard(page)))}
    assert set(rows) == {row["metric"] for row in measured["comparisons"]}
    for row in measured["comparisons"]:
        assert rows[row["metric"]]["outcome"] == row["outcome"]
        assert float(rows[row["metric"]]["candidate"]) == row["candidate"]["value"]
        low = row["delta"]["ci_low"]
        assert rows[row["metric"]]["difference_low"] == ("" if low is None else str(low))
    page.keyboard.press("Escape")
    expect(opened).to_be_hidden()
    expect(page.get_by_role("button", name="Copy the metrics", exact=True)).to_be_focused()


def test_markdown_and_the_link(page, measured):
    opened = menu(page)
    opened.get_by_role("button", name="Copy as Markdown").click()
    expect(opened.get_by_role("status")).to_have_text("Markdown is copied.")
    lines = clipboard(page).splitlines()
    assert len(lines) == 2 + len(measured["comparisons"])
    assert lines[0].startswith("| metric | role | n | baseline | candidate |")
    assert lines[2].startswith(f"| {measured['comparisons'][0]['metric']} | gating |")
    opened.get_by_role("button", name="Copy the link").click()
    expect(opened.get_by_role("status")).to_have_text("The link is copied.")
    address = clipboard(page)
    assert address == f"{page.url}#forest"
    page.goto(address)
    expect(page.locator("#forest")).to_be_in_viewport()


def test_the_picture_is_what_stands_on_the_page(page):
    points = page.locator("#forest .interval-plot .point")
    assert points.count() > 0
    opened = menu(page)
    with page.expect_download() as started:
        opened.get_by_role("button", name="Download as a picture").click()
    assert started.value.suggested_filename.endswith("-forest.png")
    picture = drawn(started.value.path().read_bytes())
    shown = page.locator("#forest").bounding_box()  # only now: opening the menu may scroll
    # At twice the size, with a margin round it and a line below that says where it is from.
    assert picture.width == pytest.approx(2 * (shown["width"] + 32), abs=4)
    assert picture.height == pytest.approx(2 * (shown["height"] + 32 + 22), abs=4)
    # Where a point of an interval stands, there is its colour, and not the ground.
    for point in points.all():
        place, fill = point.bounding_box(), point.evaluate("each => getComputedStyle(each).fill")
        x = 2 * (place["x"] + place["width"] / 2 - shown["x"] + 16)
        y = 2 * (place["y"] + place["height"] / 2 - shown["y"] + 16)
        assert close(picture.getpixel((round(x), round(y))), painted(page, fill)), fill


@pytest.mark.parametrize("width", [1440, 390])
def test_the_picture_looks_as_the_page_does(sign_in, measured, width):
    page = sign_in("owner", viewport={"width": width, "height": 900})
    page.goto(f"/experiments/{measured['id']}/")
    opened = menu(page)
    with page.expect_download() as started:
        opened.get_by_role("button", name="Download as a picture").click()
    picture = drawn(started.value.path().read_bytes())
    page.keyboard.press("Escape")
    # What can be pressed or unfolded is left out of a picture.
    page.evaluate(
        "document.querySelectorAll('#forest :is(.copy, details)').forEach(each => each.style.visibility = 'hidden')"
    )
    shown = Image.open(io.BytesIO(page.locator("#forest").screenshot())).convert("RGB")
    picture = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX)
    picture = picture.crop((MARGIN, MARGIN, MARGIN + shown.width, MARGIN + shown.height))
    # Letters are smoothed in another way, so squares are compared, and not points.
    unlike = ImageChops.difference(shown, picture).convert("L")
    squares = unlike.resize((unlike.width // SQUARE, unlike.height // SQUARE), Image.Resampling.BOX)
    assert squares.getextrema()[1] < UNLIKE


def painted(page: Page, colour: str) -> tuple[int, ...]:
    """What the browser paints for a colour of the style sheet."""
    return tuple(
        page.evaluate(
            """colour => {
                const pen = document.createElement("canvas").getContext("2d");
                pen.fillStyle = colour;
                pen.fillRect(0, 0, 1, 1);
                return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
            }""",
            colour,
        )
    )


def close(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a - b) <= 6 for a, b in zip(one, other, strict=True))


def test_the_picture_is_copied_as_an_image(page):
    opened = menu(page, "the latency")
    opened.get_by_role("button", name="Copy as a picture").click()
    expect(opened.get_by_role("status")).to_have_text("The picture is copied.")
    content = page.evaluate(
        """async () => {
            const [item] = await navigator.clipboard.read();
            const blob = await item.getType("image/png");
            return [...new Uint8Array(await blob.arrayBuffer())];
        }"""
    )
    picture = drawn(bytes(content))
    # Both curves, their words and the ground.
    assert len(colours(picture)) > 20


def test_without_a_clipboard_the_text_is_selected_and_the_picture_downloaded(demo, sign_in, measured):
    page = sign_in("owner")
    page.add_init_script(NO_CLIPBOARD)
    page.goto(f"/experiments/{measured['id']}/")
    opened = menu(page)
    opened.get_by_role("button", name="Copy as CSV").click()
    field = opened.get_by_label("To copy by hand")
    expect(field).to_be_focused()
    expect(opened.get_by_role("status")).to_contain_text("copy it with Ctrl+C")
    chosen = field.evaluate("each => each.value.slice(each.selectionStart, each.selectionEnd)")
    assert chosen == field.input_value()
    assert chosen.startswith("metric,role,")
    with page.expect_download() as started:
        opened.get_by_role("button", name="Copy as a picture").click()
    drawn(started.value.path().read_bytes())
    expect(field).to_be_hidden()
    expect(opened.get_by_role("status")).to_contain_text("downloaded instead")


def test_without_scripts_the_files_are_plain_links(sign_in, measured):
    page = sign_in("owner", java_script_enabled=False)
    page.goto(f"/experiments/{measured['id']}/")
    page.get_by_role("button", name="Copy the metrics", exact=True).click()
    opened = page.get_by_role("group", name="Copy the metrics")
    expect(opened.get_by_role("link")).to_have_count(2)
    expect(opened.get_by_role("button")).to_have_count(0)
    for name, suffix in (("Download as CSV", "csv"), ("Download as Markdown", "md")):
        with page.expect_download() as started:
            opened.get_by_role("link", name=name).click()
        assert started.value.suggested_filename == f"{measured['id']}-metrics.{suffix}"
        assert measured["comparisons"][0]["metric"] in started.value.path().read_text()


MENUS = {
    "": ("the trend",),
    "planner/": ("the plan",),
    "series/": ("the points of experiments",),
    "compare/?run={0}&run={1}": ("all metrics", "the runs by one metric"),
}


@pytest.mark.parametrize("width", [1440, 390])
def test_every_menu_gives_a_picture_and_files(demo, sign_in, width):
    page = sign_in("owner", viewport={"width": width, "height": 900}, color_scheme="dark")
    home = f"/components/{FAQ}/"
    page.goto(home)
    runs = [box.get_attribute("value") for box in page.locator("input[name=run]").all()]
    for path, names in MENUS.items():
        page.goto(home + path.format(*runs))
        for name in names:
            opened = menu(page, name)
            with page.expect_download() as started:
                opened.get_by_role("button", name="Download as a picture").click()
            assert len(colours(drawn(started.value.path().read_bytes()))) > 10, name
            expect(opened.get_by_role("status")).to_have_text("The picture is downloaded.")
            for link in opened.get_by_role("link").all():
                answer = page.request.get(
                    f"{demo.url}{page.evaluate('location.pathname')}{link.get_attribute('href')}"
                )
                assert answer.ok, (name, link.get_attribute("href"))
                assert "attachment" in answer.headers["content-disposition"]
            inside = opened.bounding_box()
            assert inside["x"] >= 0
            assert inside["x"] + inside["width"] <= width
            page.keyboard.press("Escape")
