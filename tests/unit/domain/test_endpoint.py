"""How a project is served: what project.yml may say of it."""

from typing import Any

import pytest
from pydantic import ValidationError

from dropforge.project import ProjectSpec, parse_project

PROJECT = {"name": "credit", "target": "T", "id": "I", "features": {"keep": ["A"]}}
SHADOWED = {"endpoint": "realtime", "approval": "manual", "shadow": {}}
SCALING = {"min": 2, "max": 4, "invocations_per_instance": 700}


def project(**changes: Any) -> ProjectSpec:
    return ProjectSpec.model_validate(PROJECT | changes)


@pytest.mark.parametrize("mode", ["none", "serverless", "realtime"])
def test_every_mode_needs_nothing_more_and_survives_storage(mode: str) -> None:
    spec = project(endpoint=mode)
    assert parse_project(spec.canonical_json()) == spec


def test_defaults_guard_an_update() -> None:
    rules = project().deployment
    assert (rules.rollout, rules.bake_seconds, rules.alarms.errors) == ("canary", 300, True)
    assert (rules.latency_ms, rules.alarms.latency_ms, rules.alarms.names) == (None, None, [])


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"endpoint": "realtme"}, "endpoint"),
        ({"scaling": SCALING}, "scaling"),
        ({"endpoint": "serverless", "scaling": SCALING}, "scaling"),
        ({"endpoint": "realtime", "scaling": SCALING | {"max": 1}}, "scaling.max"),
        ({"endpoint": "realtime", "scaling": SCALING | {"min": 0}}, "scaling.min"),
        (
            {"endpoint": "serverless", "capture": {"sampling_percentage": 50}},
            "capture.sampling_percentage",
        ),
        ({"endpoint": "serverless", "deployment": {"rollout": "linear"}}, "deployment.rollout"),
        ({"endpoint": "serverless", "deployment": {"bake_seconds": 1}}, "deployment.bake_seconds"),
        (
            {"endpoint": "serverless", "deployment": {"alarms": {"latency_ms": 5}}},
            "deployment.alarms",
        ),
        ({"endpoint": "serverless", "serverless": {"memory_mb": 1000}}, "serverless.memory_mb"),
        (
            {"endpoint": "serverless", "serverless": {"max_concurrency": 201}},
            "serverless.max_concurrency",
        ),
        (
            {"endpoint": "serverless", "serverless": {"provisioned_concurrency": 6}},
            "serverless.provisioned_concurrency",
        ),
        ({"approval": "manual", "shadow": {"percent": 10}}, "shadow"),
        ({"endpoint": "serverless", "approval": "manual", "shadow": {}}, "shadow"),
        ({"endpoint": "realtime", "shadow": {}}, "shadow"),
        (SHADOWED | {"capture": {"sampling_percentage": 0}}, "shadow"),
        (SHADOWED | {"shadow": {"percent": 0}}, "shadow.percent"),
        (SHADOWED | {"shadow": {"percent": 101}}, "shadow.percent"),
        ({"deployment": {"rollout": "blue"}}, "deployment.rollout"),
        ({"deployment": {"bake_seconds": 901}}, "deployment.bake_seconds"),
        ({"deployment": {"latency_ms": 0}}, "deployment.latency_ms"),
        ({"deployment": {"alarms": {"names": ["cpu"]}}}, "deployment.alarms.names.0"),
        ({"deployment": {"alarms": {"names": ["c-dev-cpu"]}}}, "deployment.alarms.names.0"),
    ],
)
def test_what_a_mode_does_not_have_is_a_mistake_at_its_key(
    changes: dict[str, Any], place: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        project(**changes)
    (error,) = caught.value.errors()
    assert ".".join(map(str, error["loc"])) == place


def test_a_shadow_gets_a_tenth_of_the_requests_where_one_is_asked_for() -> None:
    assert project().shadow is None
    shadow = project(**SHADOWED).shadow
    assert shadow is not None and shadow.percent == 10


def test_a_serverless_project_may_bound_its_latency_and_say_that_it_captures_nothing() -> None:
    spec = project(
        endpoint="serverless",
        capture={"sampling_percentage": 0},
        deployment={"latency_ms": 500},
    )
    assert spec.deployment.latency_ms == 500
