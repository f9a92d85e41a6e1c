"""The other side of `experiments.scorers.isolated`: a script for another interpreter, which imports nothing of ours.

    python -I serve.py WORKER.py '{"memory_mb": 4096}'

It limits itself before anything is loaded, loads the worker's file, and then answers each line of standard input, a
request as JSON, by a line for each example and one that says that it is done. Whatever the library prints goes to
standard error: standard output has our lines alone.
"""

import contextlib
import ctypes
import http.client
import importlib.util
import ipaddress
import json
import math
import os
import platform
import resource
import signal
import sys
import time
import urllib.error
import urllib.request
from importlib import metadata

PROTOCOL = 1
LARGEST_ANSWER = 4_000_000
LARGEST_FILE = 64 * 1024 * 1024


def confine(memory_mb):
    """Limits that hold for this process and what it starts."""
    most = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Where the kernel knows it, whoever started us does not leave us behind when it is killed: PR_SET_PDEATHSIG.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Refusing(urllib.request.HTTPRedirectHandler):
    """The address was allowed, and no other."""

    def redirect_request(self, request, *others):
        return None


class Checked:
    """A connection that says nothing before it has looked where it leads: a listed name may lead anywhere."""

    private = False
    never = ()

    def connect(self):
        super().connect()
        address = ipaddress.ip_address(self.sock.getpeername()[0].partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        if address.is_loopback:
            refused = self.host not in {"localhost", "127.0.0.1", "::1"}
        else:
            refused = address.is_link_local or address.is_multicast or address.is_unspecified
            # An address that is listed as such was meant.
            refused |= not (self.private or address.is_global or self.host == str(address))
        if refused or str(address) in self.never:
            self.close()
            raise RuntimeError("the model's endpoint is at an address that may not be asked")


class Plain(Checked, http.client.HTTPConnection):
    """By HTTP."""


class Secure(Checked, http.client.HTTPSConnection):
    """By HTTPS."""


class PlainHandler(urllib.request.HTTPHandler):
    def http_open(self, request):
        return self.do_open(Plain, request)


class SecureHandler(urllib.request.HTTPSHandler):
    def https_open(self, request):
        return self.do_open(Secure, request)


class Chat:
    """Asks an OpenAI-compatible endpoint: `chat(prompt)` is the text of its answer."""

    def __init__(self, base_url, model, api_key_env=""):
        self.address = f"{base_url.rstrip('/')}/chat/completions"
        self.model = model
        self.key = os.environ.get(api_key_env, "") if api_key_env else ""
        # Without proxies: the address that was allowed is the one that is asked.
        self.opener = urllib.request.build_opener(
            Refusing, PlainHandler, SecureHandler, urllib.request.ProxyHandler({})
        )

    def __call__(self, prompt, tries=2):
        body = {"model": self.model, "messages": [{"role": "user", "content": prompt}], "temperature": 0}
        headers = {"Content-Type": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        request = urllib.request.Request(self.address, json.dumps(body).encode(), headers)
        try:
            with self.opener.open(request, timeout=20) as response:
                found = json.loads(response.read(LARGEST_ANSWER))
        except urllib.error.HTTPError as error:
            if tries > 1 and (error.code == 429 or error.code >= 500):
                time.sleep(1)
                return self(prompt, tries - 1)
            raise RuntimeError(f"the model's endpoint answered {error.code}") from None
        except OSError as error:
            if tries > 1:
                return self(prompt, tries - 1)
            raise RuntimeError(f"the model's endpoint cannot be asked: {error}") from None
        content = found["choices"][0]["message"]["content"]
        if not isinstance(content, str):
            raise RuntimeError("the model gave no text")
        return content


def load(path):
    specification = importlib.util.spec_from_file_location("worker", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def versions(packages):
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in packages}}


def scored(score, example):
    """A line about one example: its value, or why there is none."""
    try:
        value = score(example)
        value = None if value is None else float(value)
    except Exception as error:
        said = " ".join(str(error).split())[:160]
        return {"undefined": f"{type(error).__name__}: {said}" if said else type(error).__name__}
    if value is None or not math.isfinite(value):
        return {"undefined": "it gave no number"}
    return {"value": value}


def main():
    path, limits = sys.argv[1], json.loads(sys.argv[2])
    confine(limits["memory_mb"])
    Checked.private, Checked.never = limits.get("private", False), limits.get("never", ())
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(line):
        channel.write(json.dumps(line) + "\n")
        channel.flush()

    module = load(path)
    say({"protocol": PROTOCOL, "versions": versions(module.PACKAGES), "metrics": sorted(module.METRICS)})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        parameters = request["parameters"]
        chat = None
        if "base_url" in parameters:
            chat = Chat(parameters["base_url"], parameters["model"], parameters.get("api_key_env", ""))
        score = module.METRICS[request["metric"]](parameters, chat)
        for place, example in enumerate(request["examples"]):
            say({"place": place, **scored(score, example)})
        say({"done": True})


if __name__ == "__main__":
    main()
