"""Server time of each page of a running demo, one request after another: p50 and p95 in milliseconds.

    make demo                      # in one terminal
    .venv/bin/python -m benchmarks.demo_pages

Budget: p95 under 100 ms for every page. Measured from sending the request to the last byte, on loopback, so it
holds a little more than the server's own time.
"""

import http.cookiejar
import json
import re
import statistics
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

REPEATS = 40
WARM_UP = 5
BUDGET_MS = 100
PAGES = {
    "owner": ["/", "/experiments/", "/experiments/{experiment}/", "/promotions/", "/datasets/", "/inbox/"],
    "lead": ["/campaigns/", "/campaigns/{campaign}/"],
    "evaluator01": ["/queue/"],
    "auditor": ["/ledger/", "/ledger/5/"],
    "approver": ["/admin/", "/admin/experiments/promotionrequest/"],
}


class Browser:
    """A signed-in session."""

    def __init__(self, demo: dict, username: str) -> None:
        self.url = demo["url"]
        self.cookies = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        password = next(one["password"] for one in demo["accounts"] if one["username"] == username)
        self.get("/login/")
        token = next(cookie.value for cookie in self.cookies if cookie.name == "csrftoken")
        form = {"username": username, "password": password, "csrfmiddlewaretoken": token}
        self.opener.open(f"{self.url}/login/", urllib.parse.urlencode(form).encode()).read()

    def get(self, path: str) -> str:
        with self.opener.open(self.url + path) as response:
            return response.read().decode()


def milliseconds(browser: Browser, path: str) -> list[float]:
    times = []
    for _ in range(WARM_UP + REPEATS):
        started = time.perf_counter()
        browser.get(path)
        times.append((time.perf_counter() - started) * 1000)
    return sorted(times[WARM_UP:])


def main() -> int:
    demo = json.loads(Path(sys.argv[1] if len(sys.argv) > 1 else "var/demo.json").read_text())
    over = 0
    for username, paths in PAGES.items():
        browser = Browser(demo, username)
        for path in paths:
            for name, pattern in {
                "experiment": r"exp-\d{8}-\d{3}",
                "campaign": r"/campaigns/([0-9a-f-]{36})/",
            }.items():
                if f"{{{name}}}" in path:
                    page = browser.get(path.split("{")[0])
                    found = re.search(pattern, page)
                    path = path.replace(f"{{{name}}}", found[found.lastindex or 0] if found else "missing")
            times = milliseconds(browser, path)
            p95 = times[int(0.95 * len(times))]
            over += p95 > BUDGET_MS
            print(f"{username:12} {path:48} p50 {statistics.median(times):6.1f} ms   p95 {p95:6.1f} ms")
    print("all within the budget" if not over else f"{over} over the budget of {BUDGET_MS} ms")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
