"""No SQL is put together from texts (AC-H14); `make scan` tries the running portal with sqlmap besides."""

import ast
from collections.abc import Iterator

from tests.helpers import ROOT

WRITTEN = ("text", "literal_column")  # SQL as it stands: a constant only
SENT = ("execute", "scalar", "scalars", "exec_driver_sql", "executemany", "executescript")
EXCEPT = {"app/database.py": "PRAGMA takes no parameters; its words are constants of the same function"}


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield the name and the first argument of each call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = node.func
            yield called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", ""), node.args[0]


def _built(argument: ast.expr) -> bool:
    """Tell whether a text is put together: f-string, +, %, format or join."""
    joined = isinstance(argument, ast.Call) and getattr(argument.func, "attr", "") in {"format", "join", "replace"}
    return joined or isinstance(argument, ast.JoinedStr | ast.BinOp)


def suspects(source: str) -> list[str]:
    """List the calls that write SQL with something in it that is no constant."""
    return [
        f"{name}({ast.unparse(first)})"
        for name, first in _calls(ast.parse(source))
        if (name in WRITTEN and not isinstance(first, ast.Constant)) or (name in SENT and _built(first))
    ]


def test_ac_h14_no_sql_is_put_together() -> None:
    """Every text of SQL in the portal is a constant; values travel as parameters."""
    found = {}
    for path in sorted((ROOT / "app").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        lines = suspects(path.read_text(encoding="utf-8"))
        if lines and name not in EXCEPT:
            found[name] = lines
    assert found == {}


def test_what_is_put_together_is_seen() -> None:
    for bad in (
        'text(f"x {y}")',
        'text("x" + y)',
        "text(y)",
        'session.execute("x %s" % y)',
        'c.execute("{}".format(y))',
    ):
        assert suspects(bad) == [ast.unparse(ast.parse(bad)).replace("session.", "").replace("c.", "")]
    assert suspects('text("SELECT 1"); session.execute(select(x).where(y == z))') == []
