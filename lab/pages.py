"""Tables in pages of the docs that commands make anew: the lines between two marks, which name the command."""

from __future__ import annotations

import re
from pathlib import Path

from unshrink.errors import UsageError
from unshrink.files.disk import write_bytes


def fill(page: Path, name: str, text: str) -> None:
    """Put `text` between the marks of `name` in a Markdown page. Raises UsageError where the page has none."""
    marks = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end of {re.escape(name)} -->)", re.DOTALL)
    whole = page.read_text(encoding="utf-8")
    if not marks.search(whole):
        raise UsageError(f"{page} has no marks <!-- {name} --> and <!-- end of {name} -->.")
    filled = marks.sub(lambda found: f"{found[1]}\n{text.strip()}\n\n{found[2]}", whole)
    write_bytes(page, filled.encode(), overwrite=True)


def markdown_table(heads: list[str], rows: list[list[str]]) -> str:
    """A table whose first column is words and whose others are numbers."""
    head, *lines = ("| " + " | ".join(cells) + " |" for cells in (heads, *rows))
    return "\n".join([head, "|---|" + "---:|" * (len(heads) - 1), *lines])
