"""The local cloud's mailbox, where it is installed."""

from typing import TYPE_CHECKING

from dropforge.errors import CloudUnavailable

if TYPE_CHECKING:
    from local.mailbox import Mail


def read_mailbox() -> list["Mail"]:
    """Every mail that the local cloud delivered, the oldest first.

    Raises:
        CloudUnavailable: the local cloud is not installed here.
    """
    try:
        from local.home import Home
        from local.mailbox import Mailbox
    except ModuleNotFoundError as error:
        raise CloudUnavailable(
            "The local cloud is not installed here, so there is no local mailbox.",
            next_command="make setup in the repository",
        ) from error
    return Mailbox(Home.default().mail).list()
