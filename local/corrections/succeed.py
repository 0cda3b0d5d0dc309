"""A Succeed state's `Output` is what the execution answers (the emulator answers its input).

https://docs.aws.amazon.com/step-functions/latest/dg/state-succeed.html
"""

from typing import Any

from ministack.services import stepfunctions


def install() -> None:
    """Evaluates `Output` of Succeed states in JSONata."""
    apply_path = stepfunctions._apply_output_path

    def apply(state: dict[str, Any], data: Any, context: Any = None) -> Any:
        if (
            state.get("Type") == "Succeed"
            and stepfunctions._state_query_language(state, context) == "JSONata"
        ):
            return stepfunctions._apply_jsonata_output(state, data, context, default=data)
        return apply_path(state, data, context)

    stepfunctions._apply_output_path = apply
