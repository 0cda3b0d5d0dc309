"""Puts the cloud together: ministack's application, the corrections, SageMaker, the mailbox.

Import this after the environment is set (`local.server`): ministack reads it when imported.
"""

import json
import threading
from collections.abc import Callable
from typing import Any

from ministack import app

from local.corrections import (
    alarms,
    encryption,
    gateway,
    logs,
    notifications,
    state_machines,
    succeed,
    templates,
    transport,
)
from local.corrections import functions as lambda_corrections
from local.functions import Functions
from local.home import Home
from local.mailbox import Mailbox
from local.sagemaker.api import SageMaker


class Cloud:
    """What must be taken up after the start and ended at the stop."""

    def __init__(
        self, sagemaker: SageMaker, functions: Functions, load_templates: Callable[[], None]
    ) -> None:
        self._sagemaker, self._functions = sagemaker, functions
        self._load_templates = load_templates

    def resume(self) -> None:
        """Endpoints serve again; CloudFormation gets ready."""
        self._sagemaker.resume()
        state_machines.resume()
        threading.Thread(target=self._load_templates, daemon=True, name="templates").start()

    def shutdown(self) -> None:
        """No process of ours is left."""
        self._sagemaker.shutdown()
        self._functions.shutdown()


def assemble(home: Home) -> tuple[Any, Cloud]:
    """The ASGI application and what to do around serving it."""

    def emit(detail_type: str, arn: str, document: dict[str, Any]) -> None:
        detail = {key: value for key, value in document.items() if not key.startswith("_")}
        notifications.emit_event("aws.sagemaker", detail_type, arn, json.dumps(detail))

    sagemaker = SageMaker(home, emit)
    functions = Functions(home)
    mailbox = Mailbox(home.mail)

    def job_ended(prefix: str, name: str, seconds: float) -> bool:
        jobs = sagemaker.processing if prefix == "ProcessingJob" else sagemaker.training
        return jobs.wait(name, seconds)

    gateway.install(sagemaker.handle)
    gateway.install_scaling(sagemaker.endpoints.scaling.handle)
    alarms.install()
    logs.install()
    state_machines.install(job_ended)
    succeed.install()
    lambda_corrections.install(functions)
    notifications.install(mailbox.deliver)
    encryption.install()
    load_templates = templates.install(sagemaker)
    transport.install()
    return app.app, Cloud(sagemaker, functions, load_templates)
