"""List the commands, a line each."""

import ast
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from commands import console

FOLDER = Path(__file__).parent
WIDTH = 17  # of the column of names


def lines() -> Iterator[str]:
    """Yield the commands with what their code says first of them, then how to ask for more."""
    for path in sorted(FOLDER.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path != Path(__file__) and '__name__ == "__main__"' in text:
            name, described = path.stem, text
            if name == "__main__":
                name = path.parent.name
                described = path.with_name("__init__.py").read_text(encoding="utf-8")
            what = (ast.get_docstring(ast.parse(described)) or "").partition("\n")[0]
            yield console.wrapped(f"{name:<{WIDTH}}{what}", indent=" " * WIDTH)
    yield ""
    yield "`python -m commands.<name> --help` has an example and all options."


def main() -> None:
    """Run the command line."""
    what = "List the commands, a line each."
    ArgumentParser(prog="python -m commands", description=what, **console.HELP).parse_args()
    for line in lines():
        console.say(line)


if __name__ == "__main__":
    main()
