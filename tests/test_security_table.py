"""The page about security says what is so."""

from tests.security_table import PAGE, page, proofs, read_rows

FAMILIES = {"L": 26, "W": 19, "U": 17, "H": 18, "S": 9, "P": 5, "T": 5}


def test_each_row_of_the_bar_is_asked() -> None:
    """No row can be dropped quietly."""
    wanted = [f"{family}{number:02}" for family, last in FAMILIES.items() for number in range(1, last + 1)]
    assert list(read_rows()["asks"]) == wanted


def test_each_row_is_proved_or_has_its_reason() -> None:
    data = read_rows()
    proven = {row for proof in proofs() for row in proof.rows}
    assert set(data["asks"]) - proven - set(data["lacking"]) == set()
    assert (proven | set(data["lacking"])) - set(data["asks"]) == set()


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make security-table`"
