"""Every error that Dropforge raises on purpose.

DropforgeError
├── InvalidProject        the project's files cannot be used
│   └── UnknownProject    no project of that name was pushed
├── InvalidPeriod         a text that names no period
├── InvalidDropKey        an object key outside the drop contract
├── UnreadableFile        a dropped file whose bytes cannot be read as a table
├── ContractBroken        a readable file that breaks the project's contract
├── NoTrainingData        nothing labelled and mature to train on
├── ArtifactBroken        a model artifact that is incomplete or not what its manifest says
├── InvalidRequest        rows sent to the server that the model cannot score
├── SmokeTestFailed       the endpoint's answers differ from the offline ones
├── EndpointChanged       the endpoint is not in the state that was planned
├── ChampionMoved         the champion is no longer the one that was compared against
├── LockHeld              another run holds the project's lock
├── StackNotFound         the account has no stack of that stage
├── CloudUnavailable      the local cloud is not running, or AWS cannot be reached
└── RunFailed             an execution ended otherwise than SUCCEEDED
"""


class DropforgeError(Exception):
    """An error with a message for a person: what was tried, what was found, what state is left.

    `next_command` is what the person can type next, if there is something to type.
    """

    def __init__(self, message: str, *, next_command: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_command = next_command

    def __str__(self) -> str:
        return f"{self.message} Next: {self.next_command}" if self.next_command else self.message


class InvalidProject(DropforgeError):
    """The project's files cannot be used."""


class UnknownProject(InvalidProject):
    """No project of that name was pushed."""


class InvalidPeriod(DropforgeError):
    """A text that names no period."""


class InvalidDropKey(DropforgeError):
    """An object key outside the drop contract."""


class UnreadableFile(DropforgeError):
    """A dropped file whose bytes cannot be read as a table."""


class ContractBroken(DropforgeError):
    """A readable file that breaks the project's contract."""


class NoTrainingData(DropforgeError):
    """Nothing labelled and mature to train on."""


class ArtifactBroken(DropforgeError):
    """A model artifact that is incomplete or not what its manifest says."""


class InvalidRequest(DropforgeError):
    """Rows sent to the server that the model cannot score."""


class SmokeTestFailed(DropforgeError):
    """The endpoint's answers differ from the offline ones."""


class EndpointChanged(DropforgeError):
    """The endpoint is not in the state that was planned."""


class ChampionMoved(DropforgeError):
    """The champion is no longer the one that was compared against."""


class LockHeld(DropforgeError):
    """Another run holds the project's lock."""


class StackNotFound(DropforgeError):
    """The account has no stack of that stage."""


class CloudUnavailable(DropforgeError):
    """The local cloud is not running, or AWS cannot be reached."""


class RunFailed(DropforgeError):
    """An execution ended otherwise than SUCCEEDED."""
