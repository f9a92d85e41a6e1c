"""Files of items as leads have them."""

import json


def ndjson(count: int = 3, *, sources: tuple[str, ...] = ("heron", "plover")) -> bytes:
    rows = [
        {
            "item": f"q{number}",
            "prompt": f"How do I return article {number}?",
            "responses": [{"source": source, "text": f"{source[::-1]} {number}"} for source in sources],
        }
        for number in range(count)
    ]
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


CSV = b"""item,prompt,source_1,response_1,source_2,response_2
q1,"How do I return it?
It is broken.",heron,"Send it back, free.",plover,Ask us.
q2,Where is it?,heron,On its way.,plover,We do not know.
"""
