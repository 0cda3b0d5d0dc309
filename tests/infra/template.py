"""A synthesized stack as CloudFormation would see it, its tokens replaced by realistic values."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ACCOUNT = "123456789012"
REGION = "eu-central-1"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "dropforge",
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/dropforge/1",
    "AWS::NoValue": None,
}
_ARNS = {
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::{account}:policy/{name}",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{name}",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    "AWS::ECR::Repository": "arn:aws:ecr:{region}:{account}:repository/{name}",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
    "AWS::Events::Rule": "arn:aws:events:{region}:{account}:rule/{name}",
}
_REF_IS_ARN = (
    "AWS::SNS::Topic",
    "AWS::StepFunctions::StateMachine",
    "AWS::IAM::ManagedPolicy",
    "AWS::Lambda::LayerVersion",
)
_NAMES = ("FunctionName", "StateMachineName")


@dataclass(frozen=True)
class Template:
    """The stack of one stage."""

    assembly: Path
    stage: str

    @cached_property
    def body(self) -> dict[str, Any]:
        path = self.assembly / f"dropforge-{self.stage}.template.json"
        loaded: dict[str, Any] = json.loads(path.read_text())
        return loaded

    @property
    def resources(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body["Resources"]
        return found

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """Resources of a type, whole, by logical id; their properties resolved."""
        return {
            id: resource | {"Properties": self.resolve(resource.get("Properties", {}))}
            for id, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def one(self, kind: str, part: str) -> dict[str, Any]:
        """The one resource of a type whose logical id starts so."""
        found = [r for id, r in self.of_type(kind).items() if id.startswith(part)]
        assert len(found) == 1, f"{len(found)} of {kind} {part}"
        return found[0]

    def machine(self, name: str) -> dict[str, Any]:
        """The definition of `dropforge-<stage>-<name>`."""
        for resource in self.of_type("AWS::StepFunctions::StateMachine").values():
            if resource["Properties"]["StateMachineName"] == f"dropforge-{self.stage}-{name}":
                definition: dict[str, Any] = json.loads(resource["Properties"]["DefinitionString"])
                return definition
        raise AssertionError(f"no machine {name}")

    def statements(self, role: str) -> list[dict[str, Any]]:
        """What a role (by the start of its logical id) is allowed."""
        found: list[dict[str, Any]] = []
        for resource in self.resources.values():
            if resource["Type"] != "AWS::IAM::Policy":
                continue
            roles = [r["Ref"] for r in resource["Properties"]["Roles"]]
            if any(r.startswith(role) for r in roles):
                found += self.resolve(resource["Properties"]["PolicyDocument"]["Statement"])
        assert found, f"no policy for {role}"
        return found

    def name(self, id: str) -> str:
        """A resource's physical name, as good as any."""
        resource = self.resources[id]
        for key in _NAMES:
            if isinstance(given := resource.get("Properties", {}).get(key), str):
                return given
        name = f"dropforge-{self.stage}-{id}"
        lower = resource["Type"] in ("AWS::S3::Bucket", "AWS::ECR::Repository")
        return name.lower() if lower else name

    def arn(self, id: str) -> str:
        pattern = _ARNS.get(self.resources[id]["Type"], "arn:aws:x:{region}:{account}:{name}")
        return pattern.format(region=REGION, account=ACCOUNT, name=self.name(id))

    def resolve(self, value: Any) -> Any:
        """The value with every intrinsic function carried out."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, given),) = value.items()
            if function == "Ref":
                return self._ref(given)
            if function == "Fn::GetAtt":
                return self._attribute(*given)
            if function == "Fn::Join":
                return given[0].join(str(self.resolve(part)) for part in given[1])
            if function == "Fn::Select":
                return self.resolve(given[1])[int(given[0])]
            if function == "Fn::Split":
                return self.resolve(given[1]).split(given[0])
            if function == "Fn::Sub" and isinstance(given, str):
                for name, text in _PSEUDO.items():
                    given = given.replace(f"${{{name}}}", str(text))
                return given
        return {key: self.resolve(item) for key, item in value.items()}

    def _ref(self, id: str) -> Any:
        if id in _PSEUDO:
            return _PSEUDO[id]
        if id not in self.resources:
            return id
        kind = self.resources[id]["Type"]
        if kind == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.name(id)}"
        return self.arn(id) if kind in _REF_IS_ARN else self.name(id)

    def _attribute(self, id: str, attribute: str) -> str:
        if attribute == "RepositoryUri":
            return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{self.name(id)}"
        if attribute in ("Arn", "TopicArn"):
            return self.arn(id)
        return {"ImageTag": "0" * 64}.get(attribute, f"{self.name(id)}.{attribute}")


def listed(value: Any) -> list[Any]:
    """A policy's field that may be one or many."""
    return value if isinstance(value, list) else [value]
