"""The champion and the reference model, as the ledger knows them."""

from lambdas.entry import Answer, Request, takes
from lambdas.find_champion.reference import reference_model
from lambdas.settings import LedgerSettings, load


class ChampionRequest(Request):
    """Whose champion. `reference` is the version that the project names as its reference model."""

    project: str
    reference: str | None = None


class ChampionAnswer(Answer):
    """The champion, and the reference model beside it; None for what there is none of."""

    exists: bool
    version: str | None = None
    model_package_arn: str | None = None
    artifact_uri: str | None = None
    reference_exists: bool = False
    reference_version: str | None = None
    reference_artifact_uri: str | None = None


@takes(ChampionRequest)
def handler(request: ChampionRequest) -> ChampionAnswer:
    """Answer {exists, version, model_package_arn, artifact_uri, reference_…}."""
    ledger = load(LedgerSettings).ledger
    champion = ledger.champion(request.project)
    reference = reference_model(ledger.models(request.project), champion, request.reference)
    return ChampionAnswer(
        exists=champion is not None,
        version=champion.version if champion else None,
        model_package_arn=champion.model_package_arn if champion else None,
        artifact_uri=champion.artifact_uri if champion else None,
        reference_exists=reference is not None,
        reference_version=reference.version if reference else None,
        reference_artifact_uri=reference.artifact_uri if reference else None,
    )
