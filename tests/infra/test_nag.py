"""cdk-nag's AwsSolutions rules: what they find is fixed, or acknowledged with a reason."""

import json
import re
from pathlib import Path

import aws_cdk as cdk
import cdk_nag
import pytest

from infra import nag
from infra.app import build


@pytest.fixture(scope="module")
def findings(
    tmp_path_factory: pytest.TempPathFactory, without_settings: None
) -> list[tuple[str, list[str]]]:
    outdir = tmp_path_factory.mktemp("nag")
    app = cdk.App(outdir=str(outdir), analytics_reporting=False)
    build(app, "prod")
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app))
    with pytest.raises(RuntimeError, match="ValidationFailed"):  # IAM4 and IAM5
        app.synth()
    (report,) = json.loads((Path(outdir) / "validation-report.json").read_text())["pluginReports"]
    return [
        (v["ruleName"], [c["constructPath"] for c in v["violatingConstructs"]])
        for v in report["violations"]
    ]


def test_every_finding_has_a_reason(findings: list[tuple[str, list[str]]]) -> None:
    unexplained = [
        (rule, places)
        for rule, places in findings
        if not any(re.fullmatch(pattern, rule) for pattern in nag.PATTERNS)
    ]
    assert unexplained == []


def test_every_reason_has_a_finding(findings: list[tuple[str, list[str]]]) -> None:
    idle = [p for p in nag.PATTERNS if not any(re.fullmatch(p, rule) for rule, _ in findings)]
    assert idle == []


def test_wildcards_in_actions_are_the_builder_s_alone(
    findings: list[tuple[str, list[str]]],
) -> None:
    for rule, places in findings:
        if "[Action::" in rule or "IAM4" in rule:
            builders = ("ContainerImageBuild", "DeployTimeBuild")
            assert all(place.split("/")[1].startswith(builders) for place in places), rule
