"""List the commands, a line each."""

from collections.abc import Iterator
from pathlib import Path

from commands import console


def lines() -> Iterator[str]:
    """Yield the commands with what their code says first of them, then how to ask for more."""
    yield from console.modules(Path(__file__).parent)
    yield ""
    yield "`python -m commands.<name> --help` has an example and all options."


def main() -> None:
    """Run the command line."""
    console.parser("", "List the commands, a line each.", "").parse_args()
    console.say("\n".join(lines()))


if __name__ == "__main__":
    main()
