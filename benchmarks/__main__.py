"""List what can be measured, a line each."""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from commands import console

FOLDER = Path(__file__).parent


def lines() -> Iterator[str]:
    """Yield the scripts with what their code says first of them, then how to ask for more."""
    yield from console.modules(FOLDER)
    yield ""
    yield "The head of each says how it is run; docs/results.md has what came out."


def main() -> None:
    """Run the command line."""
    ArgumentParser(description=__doc__).parse_args()
    console.say("\n".join(lines()))


if __name__ == "__main__":
    main()
