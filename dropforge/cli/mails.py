"""`mail`: what the local cloud would have mailed."""

from typing import TYPE_CHECKING, Annotated

import typer

from dropforge.aws.stack import Stack
from dropforge.cli.clouds import choose
from dropforge.cli.console import as_json, line, table
from dropforge.cli.mailbox import read_mailbox
from dropforge.cli.options import AsJson, CloudChoice, Debug, Stage
from dropforge.cli.subscriptions import is_confirmed, subscriptions
from dropforge.errors import DropforgeError

if TYPE_CHECKING:
    from local.mailbox import Mail

app = typer.Typer(help="The mails: list, newest, show.", invoke_without_command=True)


class NoSuchMail(DropforgeError):
    """The mailbox has no mail of that number."""


@app.callback()
def _default(ctx: typer.Context) -> None:
    if ctx.invoked_subcommand is None:
        list_mails()


@app.command("list")
def list_mails(
    json_: AsJson = False, stage: Stage = "dev", cloud: CloudChoice = None, debug: Debug = False
) -> None:
    """List the local cloud's mails, the newest last; for AWS, who is mailed."""
    if cloud == "aws":
        _say_who(stage)
        return
    mails = read_mailbox()
    if json_:
        as_json([{"number": n, **_facts(mail)} for n, mail in enumerate(mails, 1)])
    elif not mails:
        line("No mails yet. Next: dropforge drop FILE")
    else:
        rows = (
            (str(n), f"{m.date:%Y-%m-%d %H:%M:%S}", m.recipient, m.subject)
            for n, m in enumerate(mails, 1)
        )
        table(("", "date", "to", "subject"), rows)
        line("Next: dropforge mail newest, or dropforge mail show NUMBER")


@app.command()
def newest(debug: Debug = False) -> None:
    """Show the newest mail."""
    print_mail(_pick(0))


@app.command()
def show(
    number: Annotated[int, typer.Argument(help="As listed.", min=1)], debug: Debug = False
) -> None:
    """Show one mail."""
    print_mail(_pick(number))


def print_mail(mail: "Mail") -> None:
    """Print a mail as it was sent."""
    line(f"To:      {mail.recipient}", style="dim")
    line(f"Subject: {mail.subject}", style="bold")
    line()
    for text in mail.body.rstrip().splitlines():
        line(text)


def _pick(number: int) -> "Mail":
    mails = read_mailbox()
    if not mails:
        raise NoSuchMail("The local mailbox is empty.", next_command="dropforge drop FILE")
    if number > len(mails):
        raise NoSuchMail(
            f"There is no mail {number}: the mailbox has {len(mails)}.",
            next_command="dropforge mail list",
        )
    return mails[number - 1]


def _facts(mail: "Mail") -> dict[str, str]:
    return {
        "date": mail.date.isoformat(),
        "to": mail.recipient,
        "subject": mail.subject,
        "file": str(mail.path),
    }


def _say_who(stage: str) -> None:
    choose("aws")
    found = subscriptions(Stack.find(stage).topic_arn)
    line(f"On AWS the mails of stage {stage} go to its topic's subscribers, not to a mailbox here:")
    for subscription in found:
        state = "confirmed" if is_confirmed(subscription) else "NOT CONFIRMED: nothing arrives"
        line(f"  {subscription['Endpoint']}: {state}")
    if not found:
        line("  nobody. Next: name recipients in project.yml under notify, then dropforge push")
