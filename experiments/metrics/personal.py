"""Pure: personal data in a text, found by form and confirmed by what the form promises.

Form alone finds too much: a number of sixteen digits is a card only where Luhn's sum is right, an IBAN only where its
remainder is 1, a telephone number only where that country gives out such numbers. What has a name and no form
(people, addresses) is not found.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping

from phonenumbers import Leniency, PhoneNumberMatcher

# Of longer texts so much is read.
MOST_CHARACTERS = 100_000
MOST_CANDIDATES = 1_000

EMAIL = re.compile(r"(?<![\w.+-])[\w+-][\w.+-]{0,63}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")
IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
CARD = re.compile(r"(?<![\d.,-])\d(?:[ -]?\d){12,18}(?![\d-])")
IP_4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)")
IP_6 = re.compile(r"(?<![0-9A-Za-z:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![0-9A-Za-z:])")
# How long an IBAN is, by country (the registry of ISO 13616): without it a run of letters passes one time in 97.
IBANS = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL",
    19: "MK SI",
    20: "AT BA EE KZ LT LU XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "PT ST",
    26: "IS TR",
    27: "FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU",
    31: "MT SC",
    32: "LC",
}
IBAN_LENGTHS = {country: length for length, listed in IBANS.items() for country in listed.split()}
DIGITS = re.compile(r"(?:\d\D{0,3}){7}")


def emails(text: str, region: str | None) -> Iterator[str]:
    if "@" in text:
        yield from (match[0] for match in EMAIL.finditer(text))


def phones(text: str, region: str | None) -> Iterator[str]:
    """Numbers that are given out in their country: with + and its code, or as `region` writes them."""
    if ("+" in text or region) and DIGITS.search(text):
        found = PhoneNumberMatcher(text, region, leniency=Leniency.VALID, max_tries=MOST_CANDIDATES)
        yield from (match.raw_string for match in found)


def ibans(text: str, region: str | None) -> Iterator[str]:
    for match in IBAN.finditer(text):
        compact = match[0].replace(" ", "")
        length = IBAN_LENGTHS.get(compact[:2], 0)
        # A word in capitals may follow, which the form cannot tell from a last group.
        if length and len(compact) >= length and remainder(compact[:length]) == 1:
            yield match[0]


def remainder(iban: str) -> int:
    """ISO 7064, MOD 97-10: 1 for a right one."""
    return int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])) % 97


def cards(text: str, region: str | None) -> Iterator[str]:
    for match in CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        if digits[0] in "23456" and len(set(digits)) > 1 and luhn(digits):
            yield match[0]


def luhn(digits: str) -> bool:
    """ISO/IEC 7812: every second digit from the right doubled, its own digits added; the sum ends in 0."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def addresses(text: str, region: str | None) -> Iterator[str]:
    """Public IP addresses: not those of documentation, of a house's own net or of a machine itself."""
    candidates = [match[0] for match in IP_4.finditer(text)]
    if text.count(":") > 2:
        candidates += [match[0] for match in IP_6.finditer(text)]
    for candidate in candidates[:MOST_CANDIDATES]:
        try:
            if ipaddress.ip_address(candidate).is_global:
                yield candidate
        except ValueError:
            continue


KINDS: Mapping[str, Callable[[str, str | None], Iterator[str]]] = {
    "email": emails,
    "phone": phones,
    "iban": ibans,
    "card": cards,
    "ip": addresses,
}


def found_in(
    text: str, kinds: Iterator[str] | list[str] | None = None, region: str | None = None
) -> Iterator[str]:
    """What a text holds, as it stands there."""
    for kind in kinds or KINDS:
        yield from KINDS[kind](text[:MOST_CHARACTERS], region)


def bare(text: str) -> str:
    """A piece of data without what it is grouped by, so that it is found again in another spelling."""
    return re.sub(r"[\s().\-/]", "", text).casefold()
