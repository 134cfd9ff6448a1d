"""The one error a customer's file can cause."""


class NotATable(Exception):  # noqa: N818 - it names what the file is, as the customer will read it
    """The file can't be analysed as a table.

    `code` is a key of `texts.REASONS`; `params` fill its placeholders.
    """

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params
