"""One item of every kind that the judging screen shows, as a help desk would send them."""

import io
import json
import math
import struct
import wave
from collections.abc import Callable

from PIL import Image, ImageDraw

MARKDOWN = """\
You can return anything within **60 days**; the money is back after *five working days*.

| Article | Within | Costs |
| :-- | --: | :-: |
| Shoes | 60 days | free |
| Swimwear, opened and worn or washed or both | 14 days | 4.90 € |
| A gift card that was bought with points and used in part | never | – |

1. Open your [orders](https://shop.example/orders).
2. Press `Return`:

```python
def due(order, today):
    return (today - order.received).days <= 60  # not business days
```

> Labels are printed at every post office.
"""
LONG_LINE = "a line that is long enough to be wrapped on every screen that people hold in their hand"
CODE = f'''def mean(values):
    """The mean of the values; None where there are none."""
    total, count = 0.0, 0
    for value in values:
        total += value
        count += 1
    return total / count if count else None  # {LONG_LINE}
'''
LATEX = r"""The roots of $ax^2 + bx + c$ are

$$x_{1,2} = \frac{-b \pm \sqrt{b^2 - 4ac}}{2a}$$

so for $a = 1$, $b = 0$ and $c = -2$ they are $\pm\sqrt{2} \approx \pm 1.414$, and

$$\sum_{n=1}^{\infty} \frac{1}{n^2} = \frac{\pi^2}{6}, \qquad \begin{pmatrix} a & b \\ c & d \end{pmatrix}^{-1}
  = \frac{1}{ad - bc}\begin{pmatrix} d & -b \\ -c & a \end{pmatrix}$$
"""
ORDER = {
    "order": "A-1047",
    "total": 89.50,
    "paid": True,
    "lines": [{"article": "Boots, size 41", "price": 79.60}, {"article": "Laces", "price": 9.90}],
    "customer": {"name": "M. Keller", "addresses": {"billing": {"city": "Basel", "zip": "4051"}}},
    "coupon": None,
}
QUESTION = {"role": "user", "content": "Where is my order **A-1047**? I want to change the address."}
LOOKED_UP = {
    "role": "assistant",
    "content": "Let me look that up.",
    "tool_calls": [{"id": "call-1", "name": "get_order", "arguments": {"order": "A-1047"}, "result": ORDER}],
}
CONTINUATIONS = [
    [
        QUESTION,
        LOOKED_UP,
        {"role": "assistant", "content": "It has left our house. I cannot change the address any more."},
    ],
    [
        QUESTION,
        LOOKED_UP,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call-2",
                    "function": {"name": "reroute", "arguments": '{"order": "A-1047", "to": "?"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call-2", "content": '{"error": "no address given"}'},
        {"role": "assistant", "content": "I can redirect the parcel. What is the new address?"},
    ],
]
CONTEXTS = [
    {
        "id": "kb-118",
        "title": "Returns: how long",
        "text": "Goods may be sent back within 60 days of delivery. " * 4,
    },
    {
        "id": "kb-007",
        "title": "Returns: who pays",
        "text": "We pay for the way back, except for swimwear. " * 5,
    },
    {"id": "kb-311", "text": "Gift cards are not taken back.\n\nThey can be given to somebody else. " * 3},
]
PARAGRAPH = (
    "The customer may end the contract within the period without giving reasons. To do so, the customer tells us by "
    "a clear statement, for instance a letter that is sent by post. "
)


def pair(one: dict, two: dict) -> list[dict]:
    return [{"source": f"system-{name}", **each} for name, each in (("a", one), ("b", two))]


def long_text(words: str) -> str:
    return "\n\n".join(f"### {number}. {words}\n\n{PARAGRAPH * 3}" for number in range(1, 40))


def items(image: list[str], audio: list[str]) -> list[dict]:
    """`image` and `audio`: two references each, of files that were uploaded."""
    pictures = [{"media": [{"image": each, "alt": "A bar chart of returns by month"}]} for each in image]
    recordings = [{"media": [{"audio": each}], "text": ""} for each in audio]
    return [
        {
            "item": "text",
            "prompt": "How long can I return boots?",
            "responses": pair(
                {"text": "60 days.", "format": "text"}, {"text": "Two months,\n  or so.", "format": "text"}
            ),
        },
        {
            "item": "markdown",
            "prompt": "How do returns work?",
            "responses": pair({"text": MARKDOWN}, {"text": MARKDOWN.replace("60", "30")}),
        },
        {
            "item": "code",
            "prompt": "Write `mean` in Python, for an empty list too.",
            "prompt_format": "markdown",
            "responses": pair(
                {"text": CODE, "format": "code"}, {"text": CODE.replace("None", "0"), "format": "code"}
            ),
        },
        {
            "item": "latex",
            "prompt": "Solve $ax^2+bx+c=0$.",
            "prompt_format": "markdown",
            "responses": pair({"text": LATEX}, {"text": LATEX.replace("2a", "a")}),
        },
        {
            "item": "json",
            "prompt": "Extract the order as JSON.",
            "responses": pair(
                {"text": json.dumps(ORDER), "format": "json"},
                {"text": json.dumps(ORDER | {"paid": "yes"}), "format": "json"},
            ),
        },
        {
            "item": "chat",
            "prompt": [
                {"role": "system", "content": "You help customers of a shoe shop."},
                {"role": "user", "content": "Hello!"},
                {"role": "assistant", "content": "Hello, how can I help?"},
            ],
            "responses": pair({"turns": CONTINUATIONS[0]}, {"turns": CONTINUATIONS[1]}),
        },
        {
            "item": "long",
            "prompt": "Write our terms of business.",
            "responses": pair({"text": long_text("Ending the contract")}, {"text": long_text("Withdrawal")}),
        },
        {
            "item": "contexts",
            "prompt": "Who pays for returns, and how long do I have?",
            "contexts": CONTEXTS,
            "responses": pair(
                {"text": "You have 60 days [1], and **we pay** [2]. Gift cards stay with you [3]."},
                {"text": "Within 60 days [1, 2]; see also `[2]` and [9]."},
            ),
        },
        {
            "item": "retrieved",
            "prompt": "Can I return a gift card?",
            "responses": pair(
                {"text": "No [1].", "contexts": CONTEXTS[2:]},
                {"text": "Yes, within 60 days [2].", "contexts": CONTEXTS[:2]},
            ),
        },
        {"item": "pictures", "prompt": "Draw the returns of the last year.", "responses": pair(*pictures)},
        {
            "item": "recordings",
            "prompt": "Read this aloud: *Your parcel is on its way.*",
            "prompt_format": "markdown",
            "responses": pair(*recordings),
        },
    ]


# How the request of each begins, on the screen.
REQUESTS = {
    "How long can I return boots?": "text",
    "How do returns work?": "markdown",
    "Write mean in Python": "code",
    "Solve": "latex",
    "Extract the order": "json",
    "system": "chat",
    "Write our terms": "long",
    "Who pays for returns": "contexts",
    "Can I return a gift card?": "retrieved",
    "Draw the returns": "pictures",
    "Read this aloud": "recordings",
}


def picture(shade: int) -> bytes:
    """A chart, with notes in the file that name who made it."""
    image = Image.new("RGB", (1200, 800), (250, 250, 245))
    pen = ImageDraw.Draw(image)
    for month in range(12):
        height = 120 + (month * 97 + shade) % 560
        pen.rectangle((60 + month * 92, 760 - height, 120 + month * 92, 760), fill=(shade, 90, 200))
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0131] = "zz-secret-painter 3"
    image.save(file, "JPEG", quality=90, exif=exif, comment=b"zz-secret-painter")
    return file.getvalue()


def recording(hertz: float, seconds: float = 2) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(
            b"".join(
                struct.pack("<h", int(9000 * math.sin(math.tau * hertz * n / 8000)))
                for n in range(int(8000 * seconds))
            )
        )
    return file.getvalue()


def sent(upload: Callable[[bytes], dict]) -> list[dict]:
    """The items, after their files were uploaded."""
    image = [upload(picture(shade))["image"] for shade in (40, 160)]
    audio = [upload(recording(hertz))["audio"] for hertz in (330, 440)]
    return items(image, audio)
