"""An endpoint as the deployment machine and people leave it in the mock."""

from dataclasses import replace
from typing import Any

from moto.sagemaker.models import sagemaker_backends

from lambdas.plan_endpoint.handler import handler
from lambdas.plan_endpoint.observing import Observed
from lambdas.plan_endpoint.planning import plan as plan_what
from lambdas.plan_endpoint.request import PlanAnswer, PlanRequest
from lambdas.register.package import model_data_source
from tests.unit.lambdas.conftest import ACCOUNT, IMAGE, LAKE, REGION, Account
from tests.unit.lambdas.documents import ARTIFACT, RUN, make_spec

ENDPOINT = "credit-dev"


def register(account: Account) -> str:
    """A package in the registry; its ARN."""
    sagemaker = account.client("sagemaker")
    groups = sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
    if not groups:
        sagemaker.create_model_package_group(ModelPackageGroupName=ENDPOINT)
    answer = sagemaker.create_model_package(
        ModelPackageGroupName=ENDPOINT,
        InferenceSpecification={
            "Containers": [{"Image": IMAGE, "ModelDataSource": model_data_source(ARTIFACT)}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    )
    return str(answer["ModelPackageArn"])


def plan(account: Account, version: str = "1", **changes: Any) -> dict[str, Any]:
    """What is planned for a freshly registered package."""
    resources = {"endpoint": "ml.m5.large", "endpoint_instances": 1}
    spec = account.push(**{"resources": resources, **changes})
    event = {
        "project": "credit",
        "project_version": spec.version,
        "run": RUN,
        "model_package_arn": register(account),
        "version": version,
        "artifact_uri": ARTIFACT,
    }
    return handler(event, account.context)


def carry_out(account: Account, planned: dict[str, Any]) -> None:
    """Do what the state machine does with a plan to create."""
    sagemaker = account.client("sagemaker")
    sagemaker.create_model(**planned["create_model"])
    sagemaker.create_endpoint_config(**planned["create_endpoint_config"])
    sagemaker.create_endpoint(**planned["create_endpoint"])


def serve(account: Account, config: dict[str, Any]) -> None:
    """Let the endpoint serve a config that somebody made by hand."""
    account.client("sagemaker").create_endpoint_config(**config)
    endpoint(account).endpoint_config_name = config["EndpointConfigName"]


def endpoint(account: Account) -> Any:
    """The endpoint inside the mock."""
    return sagemaker_backends[ACCOUNT][REGION].endpoints[ENDPOINT]


def by_hand(planned: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A planned config with changes to its variant, under a name of a person's own."""
    config = dict(planned["create_endpoint_config"])
    config["ProductionVariants"] = [{**config["ProductionVariants"][0], **changes}]
    return config | {"EndpointConfigName": "by-hand", "Tags": config["Tags"]}


def variant(planned: dict[str, Any]) -> dict[str, Any]:
    """The planned variant."""
    (found,) = planned["create_endpoint_config"]["ProductionVariants"]
    return dict(found)


def routing(planned: dict[str, Any]) -> dict[str, Any]:
    """How traffic is planned to move."""
    policy = planned["deployment_config"]["BlueGreenUpdatePolicy"]
    return dict(policy["TrafficRoutingConfiguration"])


def observed(**changes: Any) -> Observed:
    """Nothing but a project and a registered container."""
    settings = {"endpoint": "realtime", "resources": {"endpoint": "ml.m5.large"}}
    return Observed(
        make_spec(**settings | changes),
        "dev",
        LAKE,
        f"arn:aws:iam::{ACCOUNT}:role/dropforge-dev-Endpoint",
        container={"Image": IMAGE, "ModelDataSource": model_data_source(ARTIFACT)},
    )


def serving(seen: Observed, config: dict[str, Any], status: str = "InService") -> Observed:
    """The same with an endpoint that serves a config."""
    live = {key: value for key, value in config.items() if key != "Tags"}
    served = [
        {"VariantName": v["VariantName"], "DesiredInstanceCount": v.get("InitialInstanceCount")}
        for v in live["ProductionVariants"]
    ]
    return replace(
        seen,
        config=live,
        config_tags={tag["Key"]: tag["Value"] for tag in config["Tags"]},
        endpoint={
            "EndpointStatus": status,
            "EndpointConfigName": config["EndpointConfigName"],
            "ProductionVariants": served,
        },
    )


def plan_of(seen: Observed, version: str = "1") -> PlanAnswer:
    """The plan, and nothing asked of anybody."""
    request = PlanRequest(
        project="credit",
        project_version="0123456789abcdef",
        run=RUN,
        model_package_arn="arn:aws:sagemaker:eu-west-1:123456789012:model-package/credit-dev/1",
        version=version,
        artifact_uri=ARTIFACT,
    )
    return plan_what(seen, request)
