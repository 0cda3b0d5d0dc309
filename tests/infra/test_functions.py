"""The functions as deployed: their code, their layer, their settings."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, assertions

from infra import assets
from infra.functions import TIMEOUTS
from infra.image import JobImage
from infra.settings import load_settings
from tests.infra.template import Template

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ours(dev: Template) -> dict[str, dict[str, Any]]:
    """Our functions by the name of their folder."""
    found = {}
    for function in dev.of_type("AWS::Lambda::Function").values():
        handler = re.fullmatch(
            r"lambdas\.(\w+)\.handler\.handler", function["Properties"]["Handler"]
        )
        if handler:
            found[handler[1]] = function["Properties"]
    return found


def test_every_folder_is_a_function(ours: dict[str, dict[str, Any]]) -> None:
    folders = {path.parent.name for path in (ROOT / "lambdas").glob("*/handler.py")}
    assert set(ours) == folders == set(TIMEOUTS)


def test_how_they_run(ours: dict[str, dict[str, Any]], dev: Template) -> None:
    groups = dev.of_type("AWS::Logs::LogGroup")
    seen_groups, seen_roles = set(), set()
    for name, function in ours.items():
        assert function["FunctionName"] == f"dropforge-dev-{name.replace('_', '-')}"
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == ["arm64"]
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert function["Timeout"] == TIMEOUTS[name] <= 900
        assert len(function["Layers"]) == 1
        seen_groups.add(function["LoggingConfig"]["LogGroup"])
        seen_roles.add(function["Role"])
    assert len(seen_groups) == len(seen_roles) == len(ours)
    by_name = {dev.name(id): group for id, group in groups.items()}
    for name in seen_groups:
        assert by_name[name]["Properties"]["RetentionInDays"] == 14


def test_what_they_are_told(ours: dict[str, dict[str, Any]]) -> None:
    for name, function in ours.items():
        variables = function["Environment"]["Variables"]
        assert variables["DROPFORGE_STAGE"] == "dev"
        assert variables["POWERTOOLS_SERVICE_NAME"] == f"dropforge-{name.replace('_', '-')}"
        for key in ("LEDGER_TABLE", "LAKE_BUCKET", "DROP_BUCKET", "TOPIC_ARN"):
            assert variables[f"DROPFORGE_{key}"]


def test_every_setting_that_the_code_reads_is_there(
    ours: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each function's own settings class is made from the environment that it is deployed with."""
    from lambdas import settings

    for name, function in ours.items():
        source = "".join(p.read_text() for p in (ROOT / "lambdas" / name).glob("*.py"))
        kinds = {k for k in re.findall(r"load\((\w+Settings)\)", source)}
        for variable in [v for v in os.environ if v.startswith("DROPFORGE_")]:
            monkeypatch.delenv(variable)
        for key, value in function["Environment"]["Variables"].items():
            monkeypatch.setenv(key, value)
        for kind in kinds:
            getattr(settings, kind)()


def test_the_code_asset_carries_what_functions_import_and_nothing_else() -> None:
    files = {p.relative_to(assets.code_directory()) for p in assets.code_directory().rglob("*")}
    assert {path.parts[0] for path in files} == {"lambdas", "dropforge"}
    assert Path("lambdas/intake/handler.py") in files
    assert Path("dropforge/aws/ledger.py") in files
    assert not [p for p in files if {"cli", "tests", "__pycache__"} & set(p.parts)]
    assert not [p for p in files if p.suffix == ".pyc"]


def test_the_image_context_carries_what_the_dockerfile_copies() -> None:
    context = assets.image_directory()
    dockerfile = (context / "sagemaker_jobs" / "Dockerfile").read_text()
    for copied in re.findall(r"^COPY (.+) \S+$", dockerfile, re.MULTILINE):
        for source in copied.split():
            assert (context / source).exists(), source
    assert {p.name for p in context.iterdir()} == {"sagemaker_jobs", "dropforge", "requirements"}
    made_of = {"jobs.txt", "compiled.txt", "prune.py"}
    assert {p.name for p in (context / "requirements").iterdir()} == made_of
    assert not (context / "dropforge" / "cli").exists()
    assert "--require-hashes" in dockerfile
    assert 'ENTRYPOINT ["python", "-m", "sagemaker_jobs"]' in dockerfile
    assert re.search(r"^FROM public\.ecr\.aws/", dockerfile, re.MULTILINE)


def test_the_layer_is_the_lock_for_arm64() -> None:
    python = assets.layer_directory() / "python"
    lock = (ROOT / "requirements" / "lambdas.txt").read_text()
    wanted = set(re.findall(r"^([a-z0-9][\w.-]*)==([^\s\\;]+)", lock, re.MULTILINE))
    installed = {
        (m[1].replace("_", "-").lower(), m[2])
        for p in python.glob("*.dist-info")
        if (m := re.fullmatch(r"(.+)-([^-]+)\.dist-info", p.name))
    }
    assert {(n.replace("_", "-"), v) for n, v in wanted} == installed
    compiled = [p.name for p in python.rglob("*.so")]
    assert compiled and all("aarch64" in name for name in compiled)
    assert not list(python.rglob("__pycache__"))
    assert not (python / "pandas").exists()


def test_the_image_is_built_for_the_machines_that_jobs_get(dev: Template) -> None:
    (build,) = dev.of_type("Custom::CDKContainerImageBuild").values()
    command = build["Properties"]["buildCommand"]
    assert "linux/amd64" in command
    assert "sagemaker_jobs/Dockerfile" in command


def built_image(compiled_trees: bool) -> dict[str, Any]:
    """The properties of the image that a stack with this setting builds."""
    stack = Stack(App(), "Alone")
    settings = load_settings("dev").model_copy(update={"compiled_trees": compiled_trees})
    JobImage(stack, "JobImage", settings)
    template = assertions.Template.from_stack(stack)
    (build,) = template.find_resources("Custom::CDKContainerImageBuild").values()
    return build["Properties"]


def test_the_image_has_a_compiler_if_the_stage_wants_it(without_settings: None) -> None:
    # Another command is another image: the build is named anew whenever a property changes.
    assert "--build-arg COMPILED_TREES=1 " in built_image(True)["buildCommand"]
    assert "COMPILED_TREES" not in built_image(False)["buildCommand"]
    assert not load_settings("prod").compiled_trees
    dockerfile = (ROOT / "sagemaker_jobs" / "Dockerfile").read_text()
    assert "ARG COMPILED_TREES=0\n" in dockerfile
    assert "DROPFORGE_COMPILED_TREES=$COMPILED_TREES\n" in dockerfile


def test_assets_are_named_by_content(dev: Template, prod: Template) -> None:
    def sources(template: Template) -> set[str]:
        return {
            f["Properties"]["Code"]["S3Key"]
            for f in template.of_type("AWS::Lambda::Function").values()
        } | {
            layer["Properties"]["Content"]["S3Key"]
            for layer in template.of_type("AWS::Lambda::LayerVersion").values()
        }

    assert sources(dev) == sources(prod)
