"""Judge the challenger by the project's rules (`dropforge.verdict`), and write the verdict down."""

from dropforge import layout, verdict
from dropforge.aws.documents import read_document, write_document
from dropforge.aws.projects import fetch_project
from dropforge.evaluation import Evaluation
from lambdas.entry import Answer, Request, takes
from lambdas.settings import LakeSettings, load


class DecideRequest(Request):
    """Which evaluation, by which version of the project."""

    project: str
    project_version: str
    run: str
    evaluation_uri: str


class DecideAnswer(Answer):
    """The verdict in a word and a line; its rules are in the document."""

    verdict: verdict.Decision
    verdict_uri: str
    headline: str


@takes(DecideRequest)
def handler(request: DecideRequest) -> DecideAnswer:
    """Answer {verdict, verdict_uri, headline}."""
    lake = load(LakeSettings).lake_bucket
    spec = fetch_project(lake, request.project, request.project_version)
    judged = verdict.decide(spec, read_document(request.evaluation_uri, Evaluation))
    uri = write_document(layout.verdict(lake, request.project, request.run), judged)
    return DecideAnswer(verdict=judged.verdict, verdict_uri=uri, headline=judged.headline)
