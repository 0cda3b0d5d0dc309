"""The story of a run, for the commands that tell it."""

import datetime as dt

from dropforge.aws.stories import as_of_now, read_documents
from dropforge.cli.executions import Execution
from dropforge.cli.session import Session
from dropforge.runs import RunStory


def read_story(session: Session, execution: Execution) -> RunStory:
    """Everything that a run of the pipeline wrote about itself so far."""
    lake, project, run = session.stack.lake_bucket, execution.project, execution.name
    documents = read_documents(lake, project, run)
    return RunStory(
        project=project,
        project_version=str(execution.input.get("project_version", "")),
        run=run,
        stage=session.stage,
        region=session.cloud.region,
        lake=lake,
        started_at=execution.started_at,
        ended_at=execution.ended_at or dt.datetime.now(dt.UTC),
        **documents | {"prepared": as_of_now(session.ledger, documents["prepared"])},
    )
