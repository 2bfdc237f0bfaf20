"""The errors that a person can act on; each message says what to type next."""


class MedseenError(Exception):
    """Base of every error that medseen raises on purpose."""


class UsageError(MedseenError):
    """Wrong usage or configuration: a command line, recipe, suite, profile or card that cannot be meant.

    The command lines print it as one line and exit with status 2.
    """


class ConfigError(UsageError, ValueError):
    """A TOML file that breaks its schema: the message names file, key, what was found and the nearest valid word."""


class UnknownNameError(UsageError, LookupError):
    """A name that nothing answers to: the message lists near matches."""


class StoreError(UsageError):
    """A store or run folder that cannot be read, or that belongs to another configuration."""


class GeometryError(MedseenError, ValueError):
    """An affine or shape that describes no grid in space."""


class ReadError(MedseenError, OSError):
    """A source file that cannot be turned into voxels.

    Attributes:
        code: One of the rejection codes in `curate.rejections`, as a string.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type["ReadError"], tuple[str, str]]:
        """Keep the code when the error crosses a process boundary."""
        return type(self), (self.code, str(self))
