"""The Python snippets of a page of the documentation."""

import re
import textwrap
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
DIRECTIVE = re.compile(r"^( *)\.\. (?:code-block|code|sourcecode):: (python|pycon)\s*$")
NEEDS = re.compile(r"^ *\.\. needs: (.+)$")


@dataclass(frozen=True)
class Snippet:
    """A block of code; ``needs`` are the packages that a comment before it names."""

    language: str
    code: str
    line: int
    needs: tuple[str, ...]

    @property
    def can_run(self) -> bool:
        return all(find_spec(package) for package in self.needs)


def pages() -> list[Path]:
    """Return the pages, in folders as well, without those that Sphinx generates."""
    generated = {"auto_examples", "generated", "_build", "_templates"}
    found = DOCS.rglob("*.rst")
    return sorted(p for p in found if not generated & {*p.relative_to(DOCS).parts})


def snippets(page: Path) -> list[Snippet]:
    lines = page.read_text(encoding="utf-8").splitlines()
    return [
        Snippet(match[2], *_body(lines, i + 1, len(match[1])), _needs(lines, i))
        for i, line in enumerate(lines)
        if (match := DIRECTIVE.match(line))
    ]


def _body(lines: list[str], first: int, indent: int) -> tuple[str, int]:
    """Return the code below a directive, and the number of its first line."""
    last = first
    while last < len(lines) and (
        not lines[last].strip() or len(lines[last]) - len(lines[last].lstrip()) > indent
    ):
        last += 1
    while first < last and re.match(r"^\s*(:\S+:.*)?$", lines[first]):
        first += 1
    return textwrap.dedent("\n".join(lines[first:last])).rstrip() + "\n", first + 1


def _needs(lines: list[str], directive: int) -> tuple[str, ...]:
    before = directive - 1
    while before > 0 and not lines[before].strip():
        before -= 1
    match = NEEDS.match(lines[before])
    return tuple(match[1].replace(",", " ").split()) if match else ()
