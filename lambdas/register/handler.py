"""Register the judged model, and settle the training it came from."""

from lambdas.entry import takes
from lambdas.register.registering import RegisterAnswer, RegisterRequest, register
from lambdas.settings import RegisterSettings, load


@takes(RegisterRequest)
def handler(request: RegisterRequest) -> RegisterAnswer:
    """Answer {model_package_arn, version, status, deploy, expected_champion}."""
    return register(load(RegisterSettings), request)
