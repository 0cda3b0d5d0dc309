"""The champion, as the ledger knows it."""

from lambdas.entry import Answer, Request, takes
from lambdas.settings import LedgerSettings, load


class ChampionRequest(Request):
    """Whose champion."""

    project: str


class ChampionAnswer(Answer):
    """The champion; all None if there is none yet."""

    exists: bool
    version: str | None = None
    model_package_arn: str | None = None
    artifact_uri: str | None = None


@takes(ChampionRequest)
def handler(request: ChampionRequest) -> ChampionAnswer:
    """Answer {exists, version, model_package_arn, artifact_uri}."""
    champion = load(LedgerSettings).ledger.champion(request.project)
    if champion is None:
        return ChampionAnswer(exists=False)
    return ChampionAnswer(
        exists=True,
        version=champion.version,
        model_package_arn=champion.model_package_arn,
        artifact_uri=champion.artifact_uri,
    )
