"""The server's OpenAPI document, made of the model's contract.

https://spec.openapis.org/oas/v3.1.0
"""

from collections.abc import Mapping
from typing import Any

_TYPES: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
}


_BOUNDS = {"min": "minimum", "max": "maximum"}


def document(contract: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Paths, the row's schema with types, required columns and rules, and the answer's."""
    error = {"description": "Why not.", "content": _json({"$ref": "#/components/schemas/Error"})}
    explain = {
        "name": "explain",
        "in": "query",
        "description": "The features that moved each score most. Through SageMaker, which passes "
        "no query on: the custom attribute explain=true.",
        "schema": {"type": "boolean", "default": False},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{contract['project']}: scores", "version": version},
        "paths": {
            "/ping": {"get": {"responses": {"200": {"description": "Ready."}}}},
            "/invocations": {
                "post": {
                    "parameters": [explain],
                    "requestBody": {"required": True, "content": _request()},
                    "responses": {
                        "200": {"description": "A prediction a row.", "content": _answer()},
                        **dict.fromkeys(("400", "406", "408", "413", "415", "503"), error),
                    },
                }
            },
        },
        "components": {
            "schemas": {
                "Row": _row(contract),
                "Prediction": _prediction(contract["output"]),
                "Error": _error(),
            }
        },
    }


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _request() -> dict[str, Any]:
    row = {"$ref": "#/components/schemas/Row"}
    rows = {"type": "array", "items": row, "minItems": 1}
    columns = {
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}},
            "data": {"type": "array", "items": {"type": "array"}, "minItems": 1},
        },
        "required": ["columns", "data"],
        "additionalProperties": False,
    }
    instances = {"type": "object", "properties": {"instances": rows}, "required": ["instances"]}
    lines = {"type": "string", "description": "A Row as JSON on each line."}
    csv = {
        "type": "string",
        "description": "A row a line: with a header in any order, without one the Row's columns "
        "in their order, or the id and those.",
    }
    return _json({"anyOf": [rows, row, instances, columns]}) | {
        "application/jsonlines": {"schema": lines},
        "text/csv": {"schema": csv},
    }


def _answer() -> dict[str, Any]:
    predictions = {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}}
    whole = {
        "type": "object",
        "properties": {
            "predictions": predictions,
            "inference_id": {"type": "string"},
            "warnings": {
                "type": "integer",
                "description": "How many values, and rows, break rules of the contract that only "
                "warn, and how many numbers are clamped. Left out where there are none.",
            },
        },
        "required": ["predictions", "inference_id"],
    }
    lines = {"type": "string", "description": "A Prediction as JSON on each line."}
    csv = {"type": "string", "description": "A line a row: id if given, score, decision, version."}
    return _json(whole) | {
        "application/jsonlines": {"schema": lines},
        "text/csv": {"schema": csv},
    }


def _row(contract: Mapping[str, Any]) -> dict[str, Any]:
    columns = contract["columns"]
    properties: dict[str, Any] = {column["name"]: _column(column) for column in columns}
    other = {"description": "Not read by the model."}
    properties |= {name: other for name in contract["ignored"]}
    properties[contract["id"]] = {"description": "Given back with the row's prediction."}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [column["name"] for column in columns],
        "additionalProperties": False,
    }
    if rules := contract.get("rules"):
        schema["description"] = "\n".join(map(_rule_says, rules))
        schema["x-dropforge-rules"] = rules
    return schema


def _rule_says(rule: Mapping[str, Any]) -> str:
    """What a rule over rows does here. No keyword of a schema compares properties."""
    does = "A row that breaks it is refused."
    if not rule["asked"]:
        does = "It is not asked here: a row does not carry all of its columns."
    elif rule["on_break"] == "warn":
        does = "A row that breaks it is counted in warnings."
    return f"Rule {rule['name']}: {rule['expr']}. {does}"


def _column(column: Mapping[str, Any]) -> dict[str, Any]:
    schema = dict(_TYPES[column["type"]])
    nullable = column.get("nullable", True)
    if nullable:
        schema["type"] = [schema["type"], "null"]
    bounds = {name: column[key] for key, name in _BOUNDS.items() if key in column}
    rules: dict[str, Any] = {} if column.get("clamp") else dict(bounds)
    if column.get("clamp"):
        schema["description"] = f"Counts as the bound where it is beyond: {bounds}"
        schema["x-dropforge-clamp"] = bounds
    if "allowed" in column:
        rules["enum"] = [*column["allowed"], *([None] if nullable else [])]
    if "pattern" in column:
        rules["pattern"] = f"^(?:{column['pattern']})$"
    # A schema's rules refuse, so those that warn are told; so are a date's: its bounds are numbers.
    warns, is_date = column.get("on_break") == "warn", column["type"] == "date"
    told = {name: rule for name, rule in rules.items() if warns or (is_date and name in bounds)}
    if told:
        says = "Expected, and counted where it is not so" if warns else "Within"
        schema["description"] = f"{says}: {told}"
    return schema | {name: rule for name, rule in rules.items() if name not in told}


def _prediction(output: Mapping[str, Any]) -> dict[str, Any]:
    task = output.get("task", "binary")
    decision: dict[str, Any] = {"type": "null"}
    if task == "binary":
        decision = {"enum": [0, 1]}
    elif task == "multiclass":
        decision = {"enum": list(output["classes"])}
    score: dict[str, Any] = {"type": "number"}
    if task != "regression":
        score |= {"minimum": 0, "maximum": 1}
    properties: dict[str, Any] = {
        "score": score,
        "decision": decision,
        "model_version": {"type": "string"},
        "id": {"description": "As it was given."},
        "explanation": {"type": "object"},
    }
    if task == "multiclass":
        properties["probabilities"] = {
            "type": "object",
            "properties": {name: {"type": "number"} for name in output["classes"]},
        }
    return {
        "type": "object",
        "properties": properties,
        "required": ["score", "decision", "model_version"],
    }


def _error() -> dict[str, Any]:
    texts = dict.fromkeys(
        ("error", "message", "column", "rule", "inference_id"), {"type": "string"}
    )
    of_rows = {
        "row": {"type": "integer"},
        "value": {},
        "columns": {"type": "array", "items": {"type": "string"}},
        "values": {"type": "object"},
    }
    return {
        "type": "object",
        "properties": texts | of_rows,
        "required": ["error", "message"],
    }
