"""The errors a user can meet: each is one line that says where, what was found, what is allowed."""


class UserError(ValueError):
    """Something that the user can mend: `command.run` prints its line and no traceback."""


class ParamsError(UserError):
    """A value in params.yaml."""


class ArtifactError(UserError):
    """A file that a stage reads or writes."""


class DataError(UserError):
    """The user's own data."""


class TrainingError(UserError):
    """A training that cannot go on, such as one whose loss is no longer a number."""
