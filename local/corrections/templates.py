"""CloudFormation: types that the emulator lacks, custom resources that hang in it.

Answered at once: Custom::CDKContainerImageBuild (CodeBuild builds the image),
Custom::S3AutoDeleteObjects and Custom::LogRetention (their functions need Lambda's own Node.js
with the AWS SDK). Every other custom resource runs its function if that is a Python one, with a
minute's patience instead of an hour's.
"""

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.services import stepfunctions as sfn

from local.corrections import encryption, functions
from local.corrections.provisioning import Handlers, afterwards
from local.sagemaker.api import SageMaker
from local.sagemaker.errors import SageMakerError

Created = tuple[str, dict[str, str]]
_PATIENCE = "60"


def install(sagemaker: SageMaker) -> Callable[[], None]:
    """Registers the types before CloudFormation's first request; returns what does it.

    CloudFormation imports every service of the emulator (a second); so nothing waits for it that
    does not need it.
    """
    handle = app.SERVICE_HANDLERS["cloudformation"]
    lock, loaded = threading.Lock(), threading.Event()
    app._state_map.pop("cloudformation")

    def load() -> None:
        with lock:
            if not loaded.is_set():
                _register(sagemaker)
                _restore()
                loaded.set()

    async def handle_loaded(*request: Any) -> Any:
        if not loaded.is_set():
            await asyncio.to_thread(load)
        return await handle(*request)

    app.SERVICE_HANDLERS["cloudformation"] = handle_loaded
    return load


def _restore() -> None:
    """Takes up the stacks that were saved; from now on they are saved again."""
    module = app._get_module("cloudformation")
    if saved := persistence.load_state("cloudformation"):
        module.load_persisted_state(saved)
    app._state_map["cloudformation"] = "cloudformation"


def _register(sagemaker: SageMaker) -> None:
    from ministack.services.cloudformation import custom_resource, provisioners

    handlers = provisioners._RESOURCE_HANDLERS
    handlers["AWS::SageMaker::ModelPackageGroup"] = _model_package_group(sagemaker)
    handlers["Custom::CDKContainerImageBuild"] = _at_once(_image)
    handlers["Custom::S3AutoDeleteObjects"] = _at_once(_nothing)
    handlers["Custom::LogRetention"] = _at_once(_log_group)
    _wait_a_minute_only(custom_resource)
    _keep_tracing(handlers)
    functions.guard_event_sources(handlers)
    encryption.keep_bucket_encryption(handlers)
    encryption.keep_topics_closed(handlers)


def _at_once(answer: Callable[[dict[str, Any]], Created]) -> dict[str, Any]:
    return {
        "create": lambda logical_id, properties, stack: answer(properties),
        "update": lambda physical_id, old, new, stack: answer(new),
        "delete": lambda physical_id, properties: None,
    }


def _image(properties: dict[str, Any]) -> Created:
    """What the real provider answers: the tag that it pushed."""
    source = hashlib.sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()
    tag = properties.get("imageTag") or properties.get("tagPrefix", "") + source
    return tag, {"ImageTag": tag}


def _nothing(properties: dict[str, Any]) -> Created:
    return "local-" + hashlib.sha256(json.dumps(properties).encode()).hexdigest()[:12], {}


def _log_group(properties: dict[str, Any]) -> Created:
    return properties["LogGroupName"], {"LogGroupName": properties["LogGroupName"]}


def _model_package_group(sagemaker: SageMaker) -> dict[str, Any]:
    fields = ("ModelPackageGroupName", "ModelPackageGroupDescription", "Tags")

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
        request = {field: properties[field] for field in fields if field in properties}
        try:
            arn = sagemaker.registry.create_group(request)["ModelPackageGroupArn"]
        except SageMakerError as error:
            raise ValueError(error.message) from error
        return arn, {"ModelPackageGroupArn": arn}

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        try:
            sagemaker.registry.delete_group({"ModelPackageGroupName": physical_id})
        except SageMakerError as error:
            raise ValueError(error.message) from error

    return {"create": create, "delete": delete}


def _wait_a_minute_only(custom_resource: Any) -> None:
    """A custom resource that never answers fails after a minute, not after an hour."""
    invoke = custom_resource.invoke_custom_resource

    def impatient(
        request_type: str, logical_id: str, properties: dict[str, Any], *rest: Any, **named: Any
    ) -> Any:
        return invoke(
            request_type, logical_id, {"ServiceTimeout": _PATIENCE} | properties, *rest, **named
        )

    custom_resource.invoke_custom_resource = impatient


def _keep_tracing(handlers: Handlers) -> None:
    """TracingConfiguration of a state machine is kept and described (the emulator drops it)."""

    def keep(arn: str, properties: dict[str, Any]) -> None:
        enabled = (properties.get("TracingConfiguration") or {}).get("Enabled", False)
        sfn._state_machines[arn]["tracingConfiguration"] = {"enabled": enabled in (True, "true")}

    afterwards(handlers, "AWS::StepFunctions::StateMachine", keep)
