"""A stage that sends its trainings to a managed tracking server."""

import pytest

from infra.app import synthesize
from tests.infra.template import Template, listed

SERVER = "arn:aws:sagemaker:eu-central-1:123456789012:mlflow-tracking-server/team"


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory, without_settings: None) -> Template:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DROPFORGE_TRACKING__SERVER", SERVER)
        patch.setenv("DROPFORGE_TRACKING__ARTIFACTS", "team-artifacts")
        return Template(synthesize(tmp_path_factory.mktemp("tracked"), "staging"), "staging")


def test_jobs_are_told_the_server(tracked: Template) -> None:
    evaluate = tracked.machine("pipeline")["States"]["Evaluate"]
    assert evaluate["Arguments"]["Environment"]["DROPFORGE_TRACKING_SERVER"] == SERVER


def test_jobs_may_send_runs_to_that_server_and_files_to_its_bucket(tracked: Template) -> None:
    statements = tracked.statements("RolesJob")
    sends = [s for s in statements if "sagemaker-mlflow:CreateRun" in s["Action"]]
    assert [listed(s["Resource"]) for s in sends] == [[SERVER]]
    puts = [s for s in statements if "arn:aws:s3:::team-artifacts/*" in listed(s["Resource"])]
    assert [s["Action"] for s in puts] == ["s3:PutObject"]


def test_without_a_server_nothing_is_sent(dev: Template) -> None:
    evaluate = dev.machine("pipeline")["States"]["Evaluate"]
    assert "DROPFORGE_TRACKING_SERVER" not in evaluate["Arguments"]["Environment"]
