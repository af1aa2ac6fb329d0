"""Words of the project's former private dialect, counted per package: `python -m tests.words [--list] [PATH...]`.

Counts docstrings, comments and string constants with a space in them; SQL is left out. A program cannot recognize a
private sense, so the counts are a hint and no test depends on them. ALLOWED has uses in the standard sense.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORDS = (
    "places?", "told", "tells?", "says?", "hears?", "heard", "moments?", "slices?", "pass(?:es|ed)? over", "agenda",
    "patience", "sets? aside", "(?:take|takes|taken|took) over", "(?:come|comes|came|coming) in",
    "(?:go|goes|went|going|gone) on", "(?:stand|stands|stood) still", "usual", "rooms?", "house", "street", "wires?",
    "heart", "beats?", "judge[ds]?", "lives", "lived", "worlds?", "happenings?", "mend(?:s|ed)?", "by hand",
    "doubtful", "in doubt", "outside orders?", "anew", "beside", "whoever", "lies", "so many", "asked for", "looked at",
)  # fmt: skip
ALLOWED = (
    r"in (?:the )?place of", r"(?:take|takes|took|taking) place", r"(?:decimal|first|second) places?",
    r"places? (?:(?:an?|the|no|its|any|all|one|each|external|market|day) )*orders?", r"decimal places?",
    r"in its place", r"clearing house", r"wire format", r"wire\.models", r"services[./]wire", r"long-lived",
    r"(?:took|taken) over (?:the|this) book", r"READ-ONLY: taken over", r"(?:entered|computed) by hand",
    r"keep their places",
)  # fmt: skip
"""Uses in the standard sense, which are not counted."""
SQL = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WITH|PRAGMA|FROM|WHERE|JOIN)\b")
WORD = re.compile(rf"\b(?:{'|'.join(WORDS)})\b", re.IGNORECASE)
ALLOW = re.compile(rf"\b(?:{'|'.join(ALLOWED)})\b", re.IGNORECASE)
KINDS = ("docstrings", "comments", "strings")


def found_words(text: str) -> list[str]:
    """The words of a text in lower case, without allowed uses."""
    return [match[0].lower() for match in WORD.finditer(ALLOW.sub(" ", " ".join(text.split())))]


def texts(source: str) -> Iterator[tuple[str, int, str]]:
    """Every text of a module with its kind and line: docstrings, comments, string constants."""
    tree, docstrings = ast.parse(source), set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                docstrings.add(id(statement.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in docstrings:
                yield "docstrings", node.lineno, node.value
            elif " " in node.value.strip() and not SQL.match(node.value):
                yield "strings", node.lineno, node.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield "comments", token.start[0], token.string


def package_of(path: Path) -> str:
    """The package under which a module is counted: its first two folders, or three in `rebal_tui`."""
    folders = path.relative_to(ROOT).parent.parts
    return "/".join(folders[: 3 if folders[:1] == ("rebal_tui",) else 2])


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.words", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="*", type=Path, default=[ROOT / "rebal_tui", ROOT / "tests"], metavar="PATH")
    parser.add_argument("--list", action="store_true", help="print each occurrence instead of the table")
    options = parser.parse_args()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    words: dict[str, Counter[str]] = defaultdict(Counter)
    for folder in options.paths:
        for path in sorted(folder.resolve().rglob("*.py")):
            if path == Path(__file__):
                continue
            for kind, line, text in texts(path.read_text(encoding="utf-8")):
                found = found_words(text)
                if found and options.list:
                    print(f"{path.relative_to(ROOT)}:{line}: {kind[:-1]}: {', '.join(found)}: {text.strip()[:100]!r}")
                counts[package_of(path)][kind] += len(found)
                words[package_of(path)].update(found)
    if options.list:
        return
    print(f"{'package':<36}" + "".join(f"{kind:>12}" for kind in KINDS) + "  most frequent")
    for package in [*sorted(counts), "total"]:
        count = counts[package] if package != "total" else sum(counts.values(), Counter[str]())
        frequent = ", ".join(f"{word} {number}" for word, number in words[package].most_common(4))
        print(f"{package:<36}" + "".join(f"{count[kind]:>12}" for kind in KINDS) + f"  {frequent}".rstrip())


if __name__ == "__main__":
    main()
