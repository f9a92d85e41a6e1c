"""Secrets that have to be used again, such as the address of a webhook: kept encrypted, so that the database alone
does not give them away."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


class Unreadable(Exception):
    """Encrypted under another secret key, or altered since."""


def encrypted(text: str) -> str:
    return fernet().encrypt(text.encode()).decode()


def decrypted(token: str) -> str:
    """What was encrypted, or `Unreadable`."""
    try:
        return fernet().decrypt(token.encode()).decode()
    except (InvalidToken, ValueError) as error:
        raise Unreadable from error


def fernet() -> Fernet:
    """Its key comes from EVALTRACK_SECRET_KEY, for this purpose alone."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"evaltrack encryption 1")
    return Fernet(base64.urlsafe_b64encode(derived.derive(settings.SECRET_KEY.encode())))
