"""Why a file is refused, in words for its sender."""

from flask_babel import force_locale, lazy_gettext

from app.web.texts import LOCALES, file_size

REASONS = {
    "damaged": lazy_gettext(
        "The file was damaged on its way to us: its checksum is not the one of your file. Please order and send it once"
        " more."
    ),
    "other_kind": lazy_gettext(
        "The file's name ends in %(extension)s, but its content is %(found)s. Please send it in the right format."
    ),
    "unlike": lazy_gettext("The file's name ends in %(extension)s, but its content is something else."),
    "not_text": lazy_gettext(
        "The file's name ends in %(extension)s, but its content is no text. Please save your table as CSV (UTF-8) and"
        " send that."
    ),
    "long_line": lazy_gettext("The first line is longer than %(size)s. Is this a table with line breaks?"),
    "too_many_columns": lazy_gettext("The table has more than %(most)s columns."),
    "archive_broken": lazy_gettext("The archive is incomplete or broken. Please pack it anew and send it again."),
    "archive_encrypted": lazy_gettext("The archive is protected by a password. Please send it without."),
    "archive_link": lazy_gettext("The archive holds a link to another file. Please pack the files themselves."),
    "archive_path": lazy_gettext("The archive holds a file name that leads out of its folder: %(name)s"),
    "archive_nested": lazy_gettext("The archive holds another archive (%(name)s). Please pack the files themselves."),
    "archive_members": lazy_gettext("The archive holds too many files: at most %(most)s are possible."),
    "archive_size": lazy_gettext("Unpacked, the archive is larger than %(size)s."),
    "archive_ratio": lazy_gettext("The archive is packed tighter than real data can be, so we don't open it."),
    "infected": lazy_gettext("A virus scanner found harmful content in the file, so we did not open it."),
}
FORMATS = {
    "program": lazy_gettext("a program"),
    "office": lazy_gettext("a document of an office program"),
    "archive": lazy_gettext("a compressed archive"),
    "pdf": lazy_gettext("a PDF"),
    "image": lazy_gettext("an image"),
    "sound": lazy_gettext("sound or video"),
    "markup": lazy_gettext("a web page or XML"),
    "data": lazy_gettext("a database or another binary format"),
}


class RefusedError(Exception):
    """The file can't be taken; `code` is of REASONS, `facts` fill its sentence: plain values."""

    def __init__(self, code: str, **facts: str | int) -> None:
        """Take the code and what its sentence needs."""
        super().__init__(code)
        self.code = code
        self.facts = facts


def reason(code: str, facts: dict[str, str | int]) -> dict[str, str]:
    """Return the sentence in every language of the portal, as the order keeps it (`Order.reason`)."""
    sentences = {}
    for language in LOCALES:
        with force_locale(language):
            values = {name: _value(name, value) for name, value in facts.items()}
            sentences[language] = str(REASONS[code]) % values
    return sentences


def _value(name: str, value: str | int) -> str:
    """Show a value: the format in words, bytes and counts as people write them."""
    if name == "found":
        return str(FORMATS[str(value)])
    if name == "size":
        return str(file_size(int(value)))
    return f"{value:,}" if isinstance(value, int) else value
