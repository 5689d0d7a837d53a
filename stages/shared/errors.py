"""The errors a user can meet: each is one line that says where, what was found, what is allowed."""

LONGEST_REASON = 200  # characters of what another library says


class UserError(ValueError):
    """Something that the user can mend: `command.run` prints its line and no traceback.

    Its text is one line whatever it quotes: file names may hold line ends, and what would steer a
    terminal.
    """

    def __str__(self) -> str:
        """Return the line; what cannot be printed is escaped."""
        return printable(super().__str__())


class ParamsError(UserError):
    """A value in params.yaml."""


class ArtifactError(UserError):
    """A file that a stage reads or writes."""


class DataError(UserError):
    """The user's own data."""


class TrainingError(UserError):
    """A training that cannot go on, such as one whose loss is no longer a number."""


def printable(text: str) -> str:
    """Return a text in one line: what cannot be printed is escaped as Python does it."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def reason(error: Exception) -> str:
    """Return in one line, cut short, what an error of another library says."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    line = " ".join(text.split()) or type(error).__name__
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 3]}..."
