"""PlanEndpoint: who shadows the champion, as which variant, and whose shadow is left alone."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.endpoint import Shadow
from dropforge.errors import EndpointChanged
from dropforge.ledger import RegisteredModel, ShadowRequest
from lambdas.plan_endpoint.candidates import (
    SHADOW,
    Candidate,
    OurShadow,
    Situation,
    choose_shadow,
)
from lambdas.plan_endpoint.handler import handler
from lambdas.plan_endpoint.modes import mode
from lambdas.plan_endpoint.observing import Observed
from lambdas.plan_endpoint.planning import plan as plan_what
from lambdas.plan_endpoint.request import PlanAnswer, PlanRequest
from lambdas.register.package import model_data_source
from tests.unit.lambdas.conftest import IMAGE, Account
from tests.unit.lambdas.documents import (
    ARTIFACT,
    GROUP_ARN,
    RUN,
    make_champion,
    make_model,
    make_spec,
)
from tests.unit.lambdas.endpoints import (
    carry_out,
    endpoint,
    observed,
    plan,
    plan_of,
    register,
    serving,
)
from tests.unit.lambdas.test_plan_properties import configs, specs

AWAITED = ShadowRequest(ask="awaited")
OFF = ShadowRequest(ask="off")
DECLARED = Shadow(percent=10)
MANUAL: dict[str, Any] = {"approval": "manual", "shadow": {"percent": 10}}


def request(shadow: ShadowRequest | None = None, version: str = "1") -> PlanRequest:
    return PlanRequest(
        project="credit",
        project_version="0123456789abcdef",
        run=RUN,
        model_package_arn=f"{GROUP_ARN}/{version}",
        version=version,
        artifact_uri=ARTIFACT,
        shadow=shadow,
    )


def waiting(version: str, against: str = "1", **changes: Any) -> RegisteredModel:
    return make_model(version, expected_champion=against, **changes)


def chosen(
    shadow: ShadowRequest | None,
    *models: RegisteredModel,
    live: OurShadow | None = None,
    declared: Shadow | None = DECLARED,
    version: str = "1",
    redeclared: bool = False,
) -> OurShadow | None:
    champion = make_champion("1")
    situation = Situation("credit", champion, models, live, declared, redeclared)
    return choose_shadow(request(shadow, version), situation)


REFUSED: dict[str, Any] = {"awaiting": False, "status": "Rejected"}


def test_the_newest_model_that_awaits_approval_is_shadowed() -> None:
    assert chosen(AWAITED, waiting("2"), waiting("3")) == OurShadow("3", 10)


def test_a_newer_model_replaces_the_awaited_one_as_the_shadow() -> None:
    live = OurShadow("2", 25)
    assert chosen(AWAITED, waiting("2"), waiting("3"), live=live) == OurShadow("3", 10)


def test_the_same_model_keeps_the_share_it_has() -> None:
    assert chosen(AWAITED, waiting("2"), live=OurShadow("2", 25)) == OurShadow("2", 25)


def test_a_model_compared_with_another_champion_could_not_be_approved() -> None:
    assert chosen(AWAITED, waiting("2", against="0")) is None


def test_a_refused_model_is_no_shadow_even_before_the_refusal_is_noted() -> None:
    live = OurShadow("3", 10)
    asked = ShadowRequest(ask="awaited", without="3")
    assert chosen(asked, waiting("3"), live=live) is None
    assert chosen(AWAITED, waiting("3", **REFUSED), live=live) is None
    assert chosen(asked, waiting("2"), waiting("3"), live=live) == OurShadow("2", 10)


def test_a_shadow_that_a_person_asked_for_stays_while_others_are_decided() -> None:
    held = make_model("4", verdict="HOLD", status="Rejected", awaiting=False)
    live = OurShadow("4", 50)
    asked = ShadowRequest(ask="awaited", without="3")
    assert chosen(asked, waiting("3", **REFUSED), held, live=live) == live


def test_without_the_key_nothing_awaited_is_shadowed() -> None:
    assert chosen(AWAITED, waiting("2"), declared=None) is None


def test_a_new_champion_ends_the_shadow_and_the_same_one_keeps_it() -> None:
    live = OurShadow("2", 10)
    assert chosen(None, waiting("2"), live=live, version="2") is None
    assert chosen(None, waiting("2"), live=live, version="1") == live


def test_a_share_that_the_project_declares_anew_wins() -> None:
    live = OurShadow("2", 25)
    assert chosen(None, waiting("2"), live=live, redeclared=True) == OurShadow("2", 10)


@pytest.mark.parametrize(("version", "said"), [("9", "has no model v9"), ("1", "is in production")])
def test_what_cannot_be_a_shadow_is_refused(version: str, said: str) -> None:
    with pytest.raises(EndpointChanged, match=said):
        chosen(ShadowRequest(ask="version", version=version), make_model("1"), waiting("2"))


def test_a_person_s_share_comes_before_the_project_s() -> None:
    asked = ShadowRequest(ask="version", version="2", percent=30)
    assert chosen(asked, waiting("2")) == OurShadow("2", 30)
    plain = ShadowRequest(ask="version", version="2")
    assert chosen(plain, waiting("2"), declared=Shadow(percent=5)) == OurShadow("2", 5)
    assert chosen(plain, waiting("2"), declared=None) == OurShadow("2", 10)


# The config --------------------------------------------------------------------------------------


def shadowing(seen: Observed, version: str = "2", percent: int = 10) -> Observed:
    """The same with a model that is to be the shadow."""
    container = {"Image": IMAGE, "ModelDataSource": model_data_source(ARTIFACT)}
    candidate = Candidate(OurShadow(version, percent), request(version=version), container)
    return replace(seen, candidate=candidate)


def live(**changes: Any) -> Observed:
    """An endpoint that serves version 1."""
    seen = observed(**changes)
    return serving(seen, dict(plan_of(seen).create_endpoint_config or {}))


def planned(seen: Observed, asked: ShadowRequest | None = AWAITED) -> PlanAnswer:
    return plan_what(seen, request(asked))


def test_the_shadow_is_a_variant_beside_the_champion() -> None:
    before = live(resources={"endpoint": "ml.m5.large", "endpoint_instances": 4})
    answer = planned(shadowing(before, percent=30))
    config = answer.create_endpoint_config or {}
    (main,) = config["ProductionVariants"]
    (shadow,) = config["ShadowProductionVariants"]
    assert main == before.variants[0]
    assert answer.create_shadow_model is not None
    assert shadow == {
        "VariantName": "shadow-v2-30",
        "ModelName": answer.create_shadow_model["ModelName"],
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 2,
        "InitialVariantWeight": 0.3,
    }
    assert shadow["ModelName"].startswith("credit-dev-v2-")
    assert (answer.action, answer.target_variant) == ("update", None)
    assert answer.shadow is not None and answer.shadow.version == "2"
    assert {"Key": SHADOW, "Value": "2/30"} in config["Tags"]


def test_a_change_of_variants_moves_all_at_once_and_back_on_alarms() -> None:
    """The variants of both configs must be the same ones for a canary
    (https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html).
    """
    before = live(resources={"endpoint": "ml.m5.large", "endpoint_instances": 4})
    for seen in (shadowing(before), served(shadowing(before))):
        answer = planned(seen)
        assert answer.rollout == "all_at_once, not canary: variants move together"
        policy = (answer.deployment_config or {})["BlueGreenUpdatePolicy"]
        assert policy["TrafficRoutingConfiguration"]["Type"] == "ALL_AT_ONCE"


def served(seen: Observed) -> Observed:
    """The same once its plan was carried out, with no shadow planned."""
    config = dict(planned(seen).create_endpoint_config or {})
    return replace(serving(seen, config), candidate=None)


@given(percent=st.integers(1, 100), weight=st.floats(0.1, 10.0), count=st.integers(1, 60))
def test_the_weight_is_the_share_and_an_instance_gets_no_more_than_production(
    percent: int, weight: float, count: int
) -> None:
    config = dict(plan_of(observed()).create_endpoint_config or {})
    config["ProductionVariants"][0] |= {
        "InitialVariantWeight": weight,
        "InitialInstanceCount": count,
    }
    answer = planned(shadowing(serving(observed(), config), percent=percent))
    (shadow,) = (answer.create_endpoint_config or {})["ShadowProductionVariants"]
    assert math.isclose(shadow["InitialVariantWeight"] / weight, percent / 100)
    assert 1 <= shadow["InitialInstanceCount"] <= count
    assert percent / 100 / shadow["InitialInstanceCount"] <= 1 / count * (1 + 1e-9)


@given(spec=specs, config=configs(), percent=st.integers(1, 100))
def test_a_shadow_changes_nothing_else(
    spec: dict[str, Any], config: dict[str, Any], percent: int
) -> None:
    """Whatever somebody set up by hand: it is refused, or all the rest is as it is without it."""
    seen = serving(observed(**spec), config)
    variants = config["ProductionVariants"]
    possible = len(variants) == 1 and "ServerlessConfig" not in variants[0]
    possible = possible and "ShadowProductionVariants" not in config
    if not possible or mode(seen) != "realtime":
        with pytest.raises(EndpointChanged):
            planned(shadowing(seen, percent=percent))
        return
    plain = dict(plan_of(seen).create_endpoint_config or {})
    answer = planned(shadowing(seen, percent=percent))
    beside = dict(answer.create_endpoint_config or {})
    assert len(beside.pop("ShadowProductionVariants")) == 1
    beside["Tags"] = [tag for tag in beside["Tags"] if tag["Key"] != SHADOW]
    assert beside.pop("EndpointConfigName") != plain.pop("EndpointConfigName")
    assert beside == plain
    there = serving(observed(**spec), dict(answer.create_endpoint_config or {}))
    assert planned(shadowing(there, percent=percent)).action == "unchanged"


def test_a_shadow_that_ends_leaves_the_config_that_was_there_before() -> None:
    before = live()
    assert before.endpoint is not None
    after = planned(served(shadowing(before)), OFF)
    assert after.config_name == before.endpoint["EndpointConfigName"]
    assert (after.action, after.shadow, after.create_shadow_model) == ("update", None, None)
    assert planned(before, OFF).action == "unchanged"


def test_a_shadow_that_is_there_already_is_no_change() -> None:
    first = shadowing(live())
    again = planned(shadowing(served(first)))
    assert again.action == "unchanged"
    assert again.create_endpoint_config == planned(first).create_endpoint_config


def test_another_share_is_another_variant_whose_weight_and_count_no_update_retains() -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html"""
    first = shadowing(live(), percent=10)
    names = {
        percent: (planned(shadowing(served(first), percent=percent)).create_endpoint_config or {})[
            "ShadowProductionVariants"
        ][0]["VariantName"]
        for percent in (10, 50)
    }
    assert names == {10: "shadow-v2-10", 50: "shadow-v2-50"}


def test_the_share_is_of_the_weight_that_production_has_by_now() -> None:
    seen = shadowing(live(), percent=50)
    assert seen.endpoint is not None
    reweighed = [seen.endpoint["ProductionVariants"][0] | {"DesiredWeight": 4.0}]
    seen = replace(seen, endpoint=seen.endpoint | {"ProductionVariants": reweighed})
    (shadow,) = (planned(seen).create_endpoint_config or {})["ShadowProductionVariants"]
    assert shadow["InitialVariantWeight"] == 2.0


def hand_made(**changes: Any) -> Observed:
    config = dict(plan_of(observed()).create_endpoint_config or {})
    (own,) = config["ProductionVariants"]
    config["ShadowProductionVariants"] = [own | {"VariantName": "shadow"} | changes]
    return serving(observed(), config)


@pytest.mark.parametrize("asked", [AWAITED, OFF])
def test_a_shadow_set_up_by_hand_is_left_alone(asked: ShadowRequest) -> None:
    seen = hand_made() if asked is OFF else shadowing(hand_made())
    with pytest.raises(EndpointChanged, match="has a shadow that was set up by hand"):
        planned(seen, asked)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"AsyncInferenceConfig": {"OutputConfig": {}}}, "is asynchronous"),
        ({"ProductionVariants": ["main", "rival"]}, "has several variants"),
        ({"ProductionVariants": ["serverless"]}, "is serverless"),
    ],
)
def test_an_endpoint_that_can_have_no_shadow_says_why(config: dict[str, Any], said: str) -> None:
    made = dict(plan_of(observed()).create_endpoint_config or {})
    (own,) = made["ProductionVariants"]
    variants = config.pop("ProductionVariants", ["main"])
    made["ProductionVariants"] = [own | {"VariantName": name} for name in variants]
    if variants == ["serverless"]:
        size = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
        made["ProductionVariants"] = [
            {"VariantName": "main", "ModelName": "m", "ServerlessConfig": size}
        ]
        made["Tags"] = []
    with pytest.raises(EndpointChanged, match=said):
        planned(shadowing(serving(observed(), made | config)))


def test_a_shadow_is_left_behind_where_the_endpoint_is_made_again() -> None:
    seen = replace(served(shadowing(live())), endpoint=None)
    config = planned(shadowing(seen), None).create_endpoint_config or {}
    assert "ShadowProductionVariants" not in config
    assert SHADOW not in {tag["Key"] for tag in config["Tags"]}


def test_without_an_endpoint_there_is_nothing_to_end_and_none_is_made() -> None:
    gone = replace(live(), endpoint=None)
    assert planned(gone, OFF).action == "none"
    without = replace(live(), spec=make_spec(endpoint="none"))
    assert planned(without, OFF).action == "none"
    asked = ShadowRequest(ask="version", version="2")
    with pytest.raises(EndpointChanged, match="endpoint: none"):
        planned(without, asked)


# The whole function ------------------------------------------------------------------------------


def test_a_shadow_is_planned_beside_whoever_is_the_champion_now(account: Account) -> None:
    """The one that asked may have waited for the lock while another model was promoted."""
    first = plan(account, **MANUAL)
    carry_out(account, first)
    arns = {version: register(account) for version in ("2", "3")}
    account.ledger.move_champion(
        "credit", make_champion("2", model_package_arn=arns["2"]), expected=None
    )
    account.ledger.put_model("credit", waiting("3", against="2", model_package_arn=arns["3"]))
    event = request(AWAITED).model_dump(mode="json")
    answer = handler(event, account.context)
    assert (answer["version"], answer["model_package_arn"]) == ("2", arns["2"])
    assert answer["shadow"] == {"version": "3", "percent": 10}
    assert answer["model_name"].startswith("credit-dev-v2-")
    assert answer["shadowmodel_exists"] is False

    account.client("sagemaker").create_model(**answer["create_shadow_model"])
    account.client("sagemaker").create_model(**answer["create_model"])
    account.client("sagemaker").create_endpoint_config(**answer["create_endpoint_config"])
    endpoint(account).endpoint_config_name = answer["config_name"]
    again = handler(event, account.context)
    assert (again["action"], again["shadowmodel_exists"]) == ("unchanged", True)
    promoted = request(version="3").model_copy(update={"model_package_arn": arns["3"]})
    after = handler(promoted.model_dump(mode="json"), account.context)
    assert after["model_name"] == answer["create_shadow_model"]["ModelName"]
    assert (after["shadow"], after["model_exists"]) == (None, True)


def test_nobody_shadows_where_nobody_is_in_production(account: Account) -> None:
    account.push(**MANUAL)
    with pytest.raises(EndpointChanged, match="no model in production"):
        handler(request(AWAITED).model_dump(mode="json"), account.context)
