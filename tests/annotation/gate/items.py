"""Items whose text may name a system."""

from annotation.items import Item, ResponseItem

REASON = "Nobody can judge this blind."
HELLO = "I am ChatGPT, made by OpenAI."


def item(number, first="It is right.", second="It is wrong.", prompt="What?"):
    pair = (ResponseItem("system-a", first), ResponseItem("system-b", second))
    return number, Item(f"item {number}", prompt, pair)
