"""E-mail addresses in one canonical form: the identity of a customer (AC-L17)."""

import re

from email_validator import EmailNotValidError, validate_email

MAX_LENGTH = 254
# Anything like an address in a line of a log, in a URL's spelling too. What JSON escapes before it stays whole; what
# parts a URL or a list ends it: an address with such a sign is masked behind it.
_LIKE_ONE = re.compile(r"((?:\\u[0-9a-f]{4}|\\.)?)([\w.!#$%*+^~-]{1,254}?)(@|%40)([\w-]+(?:\.[\w-]+)*)", re.IGNORECASE)
_LOCAL_PART = re.compile(r"[a-z0-9!#$%&*+/=?^_{|}~.-]{1,64}")


class BadAddressError(ValueError):
    """The text is not an e-mail address that we can send to."""


def canonical(typed: str) -> str:
    """Return the one form under which an address is stored, mailed and compared.

    ASCII local part in lower case, domain in lower case as punycode, at most 254 characters.
    Raises BadAddressError for anything else: white space inside, quotes, look-alike letters, lists.
    Lower-casing happens only after the check for ASCII: the KELVIN SIGN lower-cases to a plain "k" (CVE-2019-19844).
    """
    text = typed.strip(" ")
    local, _, domain = text.rpartition("@")
    if not local.isascii() or not _LOCAL_PART.fullmatch(local.lower()) or not domain:
        raise BadAddressError(typed)
    try:
        checked = validate_email(
            f"{local}@{domain}", allow_smtputf8=False, check_deliverability=False, test_environment=True
        )
    except EmailNotValidError as error:
        raise BadAddressError(typed) from error
    result = f"{local}@{checked.ascii_domain}".lower()
    if len(result) > MAX_LENGTH:
        raise BadAddressError(typed)
    return result


def masked(address: str) -> str:
    """Return `t***@example.jp`: enough to recognise one's own address, too little for a stranger (AC-P04)."""
    local, _, domain = address.partition("@")
    return f"{local[:1]}***@{domain}"


def mask_all(text: str) -> str:
    """Return a text with every address in it masked (AC-P04)."""
    if "@" not in text and "%40" not in text:
        return text
    return _LIKE_ONE.sub(lambda found: f"{found[1]}{found[2][:1]}***{found[3]}{found[4]}", text)
