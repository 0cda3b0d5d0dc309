"""The functions: one code asset, one layer, a role each with exactly what its code calls."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from dropforge.names import STACK_PREFIX
from infra.assets import code_directory, layer_directory
from infra.log_groups import log_group
from infra.permissions import allow
from infra.settings import StageSettings

ARCHITECTURE = lambda_.Architecture.ARM_64
RUNTIME = lambda_.Runtime.PYTHON_3_13

TIMEOUTS = {
    "intake": 60,
    "acquire_lock": 30,
    "release_lock": 30,
    "plan_run": 60,
    "find_champion": 30,
    "decide": 60,
    "register": 120,
    "plan_endpoint": 60,
    "smoke_test": 120,
    "move_champion": 60,
    "notify": 120,
    "notify_failure": 120,
    "on_approval": 60,
}
"""Every function and its timeout in seconds."""


class Functions(Construct):
    """`functions["intake"]` is the function whose code is `lambdas/intake/`."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: StageSettings,
        environment: dict[str, str],
    ) -> None:
        super().__init__(scope, id)
        self._settings = settings
        self._environment = environment | {"POWERTOOLS_LOG_LEVEL": "INFO"}
        self._code = lambda_.Code.from_asset(str(code_directory()))
        layer_source = layer_directory()
        self._layer = lambda_.LayerVersion(
            self,
            "Dependencies",
            # The lock's hash is the directory's name: the bytes need not be read again.
            code=lambda_.Code.from_asset(
                str(layer_source), asset_hash=layer_source.name.removeprefix("layer-")
            ),
            description="Dropforge: requirements/lambdas.txt",
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
            removal_policy=RemovalPolicy.DESTROY,
        )
        self._functions = {name: self._function(name) for name in TIMEOUTS}

    def __getitem__(self, name: str) -> lambda_.Function:
        return self._functions[name]

    def timeout(self, name: str) -> Duration:
        """How long a function may take."""
        return Duration.seconds(TIMEOUTS[name])

    def patience(self, name: str) -> Duration:
        """How long a state machine waits for the function's answer."""
        return Duration.seconds(TIMEOUTS[name] + 60)

    def _function(self, name: str) -> lambda_.Function:
        id = "".join(word.capitalize() for word in name.split("_"))
        group = log_group(self, f"{id}Log", self._settings)
        role = iam.Role(self, f"{id}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        allow(role, ["logs:CreateLogStream", "logs:PutLogEvents"], [group.log_group_arn])
        return lambda_.Function(
            self,
            id,
            function_name=f"{STACK_PREFIX}-{self._settings.stage}-{name.replace('_', '-')}",
            handler=f"lambdas.{name}.handler.handler",
            code=self._code,
            layers=[self._layer],
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            memory_size=512,
            timeout=self.timeout(name),
            tracing=lambda_.Tracing.ACTIVE,
            role=role,
            log_group=group,
            environment=self._environment
            | {"POWERTOOLS_SERVICE_NAME": f"{STACK_PREFIX}-{name.replace('_', '-')}"},
        )
