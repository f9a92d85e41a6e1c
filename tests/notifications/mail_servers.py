"""Mail servers that misbehave, as Django's e-mail backends; each is named in a test's settings."""

import os
import signal
import smtplib

from django.core.mail.backends import filebased
from django.core.mail.backends.locmem import EmailBackend


class Down(EmailBackend):
    """Nobody answers."""

    def send_messages(self, messages):
        raise ConnectionRefusedError("connection refused")


class Picky(EmailBackend):
    """Refuses one address for good."""

    def send_messages(self, messages):
        if any("nobody@" in address for message in messages for address in message.to):
            raise smtplib.SMTPRecipientsRefused({"nobody@example.invalid": (550, b"no such user")})
        return super().send_messages(messages)


class Killing(EmailBackend):
    """The worker dies while it sends."""

    def send_messages(self, messages):
        raise SystemExit(137)


class DiesBefore(EmailBackend):
    """`kill -9` before anything has left."""

    def send_messages(self, messages):
        os.kill(os.getpid(), signal.SIGKILL)


class DiesAfter(filebased.EmailBackend):
    """`kill -9` when all has left."""

    def send_messages(self, messages):
        super().send_messages(messages)
        os.kill(os.getpid(), signal.SIGKILL)
