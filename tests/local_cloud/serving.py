"""Models, configurations and endpoints for tests, made of the fake server in fake_jobs.py."""

import uuid
from dataclasses import dataclass
from typing import Any

from botocore.config import Config

from local.cloud import LocalCloud
from tests.local_cloud.conftest import make_role, wait_for

ONE_TRY = Config(retries={"total_max_attempts": 1})
Document = dict[str, Any]
_SETTLED = ("InService", "Failed", "UpdateRollbackFailed")


@dataclass(frozen=True)
class Serving:
    """A bucket with the models m2 and m3 (each multiplies by its number), and a role for them."""

    cloud: LocalCloud
    bucket: str
    role: str

    @classmethod
    def make(cls, cloud: LocalCloud, *more: tuple[str, str]) -> "Serving":
        """A new bucket and a role that may read it, capture into it, and what `more` says."""
        name = f"models-{uuid.uuid4().hex[:8]}"
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket=name)
        for factor in ("2", "3"):
            s3.put_object(Bucket=name, Key=f"m{factor}/model.txt", Body=factor.encode())
        role = make_role(
            cloud,
            f"endpoint-{uuid.uuid4().hex[:8]}",
            "sagemaker.amazonaws.com",
            ("s3:GetObject", f"arn:aws:s3:::{name}/*"),
            ("s3:PutObject", f"arn:aws:s3:::{name}/capture/*"),
            ("s3:ListBucket", f"arn:aws:s3:::{name}"),
            (["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "*"),
            *more,
        )
        return cls(cloud, name, role)

    @property
    def client(self) -> Any:
        """SageMaker."""
        return self.cloud.client("sagemaker")

    def capture(self, **more: Any) -> Document:
        """A DataCaptureConfig that captures everything."""
        return {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{self.bucket}/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        } | more

    def model(self, factor: str, environment: dict[str, str] | None = None, **more: Any) -> str:
        """A model that multiplies by the factor; its name. With FACTOR it needs no data."""
        name = f"m-{uuid.uuid4().hex[:8]}"
        container: Document = {"Image": "image", "Environment": environment or {}}
        if "FACTOR" not in container["Environment"]:
            source = {
                "S3Uri": f"s3://{self.bucket}/m{factor}/",
                "S3DataType": "S3Prefix",
                "CompressionType": "None",
            }
            container["ModelDataSource"] = {"S3DataSource": source}
        self.client.create_model(
            ModelName=name, ExecutionRoleArn=self.role, PrimaryContainer=container, **more
        )
        return name

    def variant(self, factor: str = "2", name: str = "main", **more: Any) -> Document:
        """A production variant that serves such a model."""
        environment = more.pop("environment", None)
        instances: Document = {"InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        if "ServerlessConfig" in more:
            instances, environment = {}, {"FACTOR": factor}
        model = more.pop("ModelName", None) or self.model(factor, environment)
        return {"VariantName": name, "ModelName": model, **instances, **more}

    def configure(self, *variants: Document, **more: Any) -> str:
        """An endpoint configuration of these variants; its name."""
        name = f"c-{uuid.uuid4().hex[:8]}"
        self.client.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=list(variants), **more
        )
        return name

    def endpoint(self, config: str) -> str:
        """An endpoint in service; its name."""
        name = f"e-{uuid.uuid4().hex[:8]}"
        self.client.create_endpoint(EndpointName=name, EndpointConfigName=config)
        found = settled(self.cloud, name)
        assert found["EndpointStatus"] == "InService", found
        return name

    def update(self, endpoint: str, config: str, **more: Any) -> Document:
        """Updates and waits for the end; the endpoint's description."""
        self.client.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, **more)
        return settled(self.cloud, endpoint)


def settled(cloud: LocalCloud, name: str) -> Document:
    """The endpoint once nothing is under way."""

    def described() -> Any:
        found = cloud.client("sagemaker").describe_endpoint(EndpointName=name)
        return found if found["EndpointStatus"] in _SETTLED else None

    result: Document = wait_for(described)
    return result


def invoke(cloud: LocalCloud, name: str, body: str, **options: str) -> str:
    """The body of an answer of the variant `main`."""
    answer = invoke_whole(cloud, name, body, **options)
    assert answer["InvokedProductionVariant"] == "main"
    text: str = answer["Body"].read().decode()
    return text


def invoke_whole(cloud: LocalCloud, name: str, body: str, **options: str) -> Document:
    """An answer; errors are not tried again."""
    client = cloud.client("sagemaker-runtime", config=ONE_TRY)
    answer: Document = client.invoke_endpoint(
        EndpointName=name, Body=body.encode(), **{"ContentType": "text/csv", **options}
    )
    return answer


def guardrails(routing: Document, alarms: tuple[str, ...] = (), **policy: Any) -> Document:
    """A DeploymentConfig."""
    config: Document = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, **policy}}
    if alarms:
        config["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in alarms]}
    return config


def shift(kind: str, seconds: int, size: int | None = None) -> Document:
    """A TrafficRoutingConfiguration; the size is in percent."""
    routing: Document = {"Type": kind, "WaitIntervalInSeconds": seconds}
    if size is not None:
        field = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}[kind]
        routing[field] = {"Type": "CAPACITY_PERCENT", "Value": size}
    return routing
