"""An evaluator's client that looks at all that it gets for words that tell which system wrote what."""

import re
import uuid
from html.parser import HTMLParser

from django.test import Client

from annotation.models import Assignment, Course, Hearing, Judgment, Sitting
from evaltrack.accounts.models import User

ARM_WORDS = re.compile(r"baseline|candidate", re.IGNORECASE)
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
CSRF = re.compile(r"(?<=[\"'])[A-Za-z0-9]{64}(?=[\"'])")


class Links(HTMLParser):
    """Every address that a page names."""

    def __init__(self, text):
        super().__init__()
        self.found = set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in {"href", "src", "hx-get", "hx-post", "hx-put", "hx-delete"} or name == "action":
                self.found.add((value or "").split("#")[0])


class Crawler:
    """A client of one evaluator that looks at all that it gets."""

    def __init__(self, client: Client, evaluator, forbidden):
        self.client, self.evaluator, self.forbidden = client, evaluator, forbidden
        self.statuses: set[int] = set()

    def ask(self, method, path, body=None, *, arm_words=True, htmx=False, headers=None, **options):
        headers = {**(headers or {}), **({"HX-Request": "true"} if htmx else {})}
        response = getattr(self.client, method)(path, body, headers=headers, **options)
        self.look_at(f"{method.upper()} {path}{' (fragment)' if htmx else ''}", response, arm_words)
        return response

    def look_at(self, name, response, arm_words):
        content = b"".join(response.streaming_content) if response.streaming else response.content
        headers = "\n".join(f"{key}: {value}" for key, value in response.headers.items())
        whole = f"{headers}\n{response.cookies.output()}\n{content.decode(errors='replace')}"
        self.statuses.add(response.status_code)
        assert response.status_code != 500, name
        for word in self.forbidden:
            assert word.lower() not in whole.lower(), f"{name} tells {word}"
        if arm_words:
            assert not ARM_WORDS.search(whole), f"{name}: {ARM_WORDS.search(whole)}"
        for other in User.objects.exclude(pk=self.evaluator.pk):
            assert other.pseudonym not in whole, f"{name} tells who else judges"
        mine = Assignment.objects.filter(evaluator=self.evaluator)
        known = {str(each) for pair in mine.values_list("public_id", "judgment_id") for each in pair}
        heard = Hearing.objects.filter(adjudicator=self.evaluator)
        known |= set(map(str, heard.values_list("public_id", flat=True)))
        known |= set(map(str, heard.values_list("adjudication__public_id", flat=True)))
        for rows in (Judgment, Sitting):
            known |= set(
                map(str, rows.objects.filter(evaluator=self.evaluator).values_list("public_id", flat=True))
            )
        known |= set(map(str, Course.objects.values_list("public_id", flat=True)))
        for found in UUIDS.findall(whole):
            assert found in known, f"{name} names the id {found}"
            assert uuid.UUID(found).version == 4

    def walk(self, start="/"):
        """Follow every link, as a page and as a fragment."""
        waiting, done = [start], set()
        while waiting:
            path = waiting.pop()
            if path in done or not path.startswith("/") or path.startswith("/static/"):
                continue
            done.add(path)
            for htmx in (False, True):
                response = self.ask("get", path, htmx=htmx)
                if response.status_code in (301, 302):
                    waiting.append(response.url)
                elif "html" in response.headers["Content-Type"]:
                    waiting.extend(Links(response.content.decode()).found)
        return done


def answered_form(shown, **changes):
    return {"judgment_id": str(shown.judgment_id), "preference": "1", "active_ms": "900"} | changes
