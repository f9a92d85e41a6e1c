"""The demo's assistant: its answers, its HTTP interface as a client sees it, and its end."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evaltrack.demo.assistant import CONFIGURATIONS, Assistant, count_tokens, truncate
from evaltrack.demo.retrieval import ABSTENTION, CONTENT, load_articles

ROOT = Path(__file__).parents[2]
CITATIONS = re.compile(r"( \[[a-z0-9-]+\])+$")
NONSENSE = "Zxqv bnmwk plorft?"


def start(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    """A running server and its base address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "evaltrack.demo.assistant", "--port", "0", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+/v1)\n", line)
    if found is None:
        end(process)
        pytest.fail(f"the server printed {line!r}")
    return process, found[1]


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    """The exit code after a signal."""
    process.send_signal(number)
    try:
        process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    process, address = start()
    yield address
    assert end(process) == 0


@pytest.fixture(scope="module")
def assistant() -> Assistant:
    return Assistant()


def call(url: str, body: object = None) -> tuple[int, dict[str, Any]]:
    """Status and JSON of a request: a GET without body, else a POST. Bytes are sent as they are."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def ask(base: str, question: str, model: str = "faq-rag-hybrid", **more: object) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": question}], **more}
    status, answer = call(f"{base}/chat/completions", body)
    assert status == 200, answer
    return answer


@pytest.mark.parametrize("model", ["faq-rag-tfidf", "faq-rag-hybrid", "finder-cited"])
def test_answers_a_plain_question_with_a_citation(base: str, model: str) -> None:
    answer = ask(base, "How long is a gift card valid?", model)
    assert answer["object"] == "chat.completion"
    assert answer["model"] == model
    assert answer["system_fingerprint"].startswith("fp_")
    (choice,) = answer["choices"]
    assert choice["finish_reason"] == "stop"
    text = choice["message"]["content"]
    assert "3 years" in text
    assert CITATIONS.search(text)
    assert "[gift-card-using]" in text


def test_citations_name_the_articles_the_sentences_come_from(assistant: Assistant) -> None:
    texts = {article.id: article for article in load_articles()}
    question = "What does delivery of a bicycle cost, and what does assembly at home cost?"
    answer = assistant.answer(question, "faq-rag-hybrid")
    assert len(answer.citations) > 1
    for cited in answer.citations:
        assert any(sentence in answer.text for sentence in texts[cited].sentences)


@pytest.mark.parametrize("model", sorted(CONFIGURATIONS))
def test_abstains_on_nonsense_without_a_citation(base: str, model: str) -> None:
    assert ask(base, NONSENSE, model)["choices"][0]["message"]["content"] == ABSTENTION


def test_is_deterministic_whatever_the_temperature(base: str) -> None:
    texts = {
        ask(base, "Can I return a bicycle?", temperature=t)["choices"][0]["message"]["content"]
        for t in (0, 1, 2)
    }
    assert len(texts) == 1


def test_answers_the_last_question_and_counts_all_messages(base: str) -> None:
    messages = [
        {"role": "system", "content": "Be brief, please."},
        {"role": "user", "content": NONSENSE},
        {"role": "assistant", "content": ABSTENTION},
        {"role": "user", "content": [{"type": "text", "text": "Do you accept American Express?"}]},
    ]
    status, answer = call(f"{base}/chat/completions", {"model": "faq-rag-hybrid", "messages": messages})
    assert status == 200
    assert "[payment-methods]" in answer["choices"][0]["message"]["content"]
    usage = answer["usage"]
    assert usage["prompt_tokens"] == 5 + 4 + 10 + 6
    assert usage["completion_tokens"] == count_tokens(answer["choices"][0]["message"]["content"])
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_cuts_the_answer_off(base: str, name: str) -> None:
    question = "How long is a gift card valid?"
    whole = ask(base, question)
    short = ask(base, question, **{name: 5})
    assert short["choices"][0]["finish_reason"] == "length"
    assert short["usage"]["completion_tokens"] == 5
    text = whole["choices"][0]["message"]["content"]
    assert text.startswith(short["choices"][0]["message"]["content"])
    exact = ask(base, question, **{name: whole["usage"]["completion_tokens"]})
    assert exact["choices"] == whole["choices"]


def test_truncate_keeps_whole_tokens() -> None:
    assert truncate("Two words, more.", 2) == ("Two words", True)
    assert truncate("Two words, more.", 3) == ("Two words,", True)
    assert truncate("Two words, more.", 5) == ("Two words, more.", False)


USER = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (b"{", 400, None),
        (b"\xff", 400, None),
        (b"[" * 100_000, 400, None),
        ([], 400, None),
        ({"messages": USER}, 400, "model"),
        ({"model": "gpt", "messages": USER}, 404, "model"),
        ({"model": "finder-short"}, 400, "messages"),
        ({"model": "finder-short", "messages": []}, 400, "messages"),
        ({"model": "finder-short", "messages": ["Hello"]}, 400, "messages"),
        ({"model": "finder-short", "messages": [{"role": "user", "content": 1}]}, 400, "messages"),
        ({"model": "finder-short", "messages": [{"role": "system", "content": "x"}]}, 400, "messages"),
        ({"model": "finder-short", "messages": USER, "max_tokens": 0}, 400, "max_tokens"),
        ({"model": "finder-short", "messages": USER, "max_tokens": True}, 400, "max_tokens"),
        ({"model": "finder-short", "messages": USER, "stream": True}, 400, "stream"),
        (b" " * 200_000, 413, None),
    ],
)
def test_errors_have_the_shape_of_openai(base: str, body: object, status: int, param: str | None) -> None:
    got, answer = call(f"{base}/chat/completions", body)
    assert got == status
    assert set(answer) == {"error"}
    assert set(answer["error"]) == {"message", "type", "param", "code"}
    assert answer["error"]["param"] == param
    assert answer["error"]["type"] == "invalid_request_error"
    assert answer["error"]["message"]
    if status == 404:
        assert answer["error"]["code"] == "model_not_found"


def test_unknown_paths_and_methods_have_the_shape_too(base: str) -> None:
    assert call(f"{base}/nothing")[0] == 404
    status, answer = call(f"{base}/chat/completions")
    assert status == 405
    assert set(answer["error"]) == {"message", "type", "param", "code"}


def test_lists_its_models_and_its_health(base: str) -> None:
    status, answer = call(f"{base}/models")
    assert status == 200
    assert [row["id"] for row in answer["data"]] == list(CONFIGURATIONS)
    assert call(base.removesuffix("/v1") + "/health") == (200, {"status": "ok"})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_writes_its_port_and_ends_with_zero_on_a_signal(tmp_path: Path, number: int) -> None:
    port_file = tmp_path / "port"
    process, address = start("--port-file", str(port_file))
    written = port_file.read_text()
    assert end(process, number) == 0
    assert f":{int(written)}/" in address
    assert list(tmp_path.iterdir()) == [port_file]


def test_a_taken_port_is_reported(base: str) -> None:
    port = base.removesuffix("/v1").rpartition(":")[2]
    command = [sys.executable, "-m", "evaltrack.demo.assistant", "--port", port]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert f"cannot serve on 127.0.0.1:{port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_does_not_import_django() -> None:
    code = "import sys, evaltrack.demo.assistant; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def right(expected: dict[str, Any], text: str) -> bool:
    """Whether an answer holds each expected fact in some spelling, or abstains where nothing is known."""
    if not expected["facts"]:
        return text == ABSTENTION
    return all(
        any(re.search(rf"(?<!\w){re.escape(s)}(?!\w)", text, re.IGNORECASE) for s in spellings)
        for spellings in expected["facts"]
    )


@pytest.mark.parametrize(
    ("baseline", "candidate"), [("faq-rag-tfidf", "faq-rag-hybrid"), ("finder-short", "finder-cited")]
)
def test_a_candidate_gains_examples_and_loses_some(
    assistant: Assistant, baseline: str, candidate: str
) -> None:
    gained = lost = 0
    for line in (CONTENT / "faq-golden.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        before, after = (
            right(row["expected"], assistant.answer(row["input"], name).text)
            for name in (baseline, candidate)
        )
        gained += after and not before
        lost += before and not after
    assert lost > 0
    assert gained > lost
