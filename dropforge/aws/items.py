"""Items of the ledger's table: typed documents under a project, changed on conditions.

A conditional write that loses answers False; whatever else fails raises botocore's ClientError.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from boto3.dynamodb.conditions import Key
from botocore.exceptions import ClientError

from dropforge.aws.clients import error_code, resource
from dropforge.drops import Document

Item = TypeVar("Item", bound=Document)
Values = Mapping[str, Any]

ABSENT = "attribute_not_exists(pk)"
PRESENT = "attribute_exists(pk)"


class Items:
    """A table whose partition key `pk` is `project#<name>` and whose sort key is `sk`."""

    def __init__(self, table_name: str, dynamodb: Any = None) -> None:
        self._table = (dynamodb or resource("dynamodb")).Table(table_name)

    def get(self, project: str, sk: str, model: type[Item]) -> Item | None:
        """One item, read consistently."""
        answer = self._table.get_item(Key=_key(project, sk), ConsistentRead=True)
        return _read(answer["Item"], model) if "Item" in answer else None

    def query(self, project: str, prefix: str, model: type[Item]) -> list[Item]:
        """The project's items whose sort key begins so, in the order of their sort keys."""
        found: list[Item] = []
        start: dict[str, Any] = {}
        condition = Key("pk").eq(_pk(project)) & Key("sk").begins_with(prefix)
        while True:
            page = self._table.query(KeyConditionExpression=condition, ConsistentRead=True, **start)
            found += [_read(item, model) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def projects_with(self, sk: str) -> list[str]:
        """Every project that has such an item (a scan: for people, not for the flow)."""
        names: list[str] = []
        start: dict[str, Any] = {}
        while True:
            page = self._table.scan(
                FilterExpression=Key("sk").eq(sk), ProjectionExpression="pk", **start
            )
            names += [item["pk"].removeprefix("project#") for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return sorted(names)
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def put(
        self,
        project: str,
        sk: str,
        document: Document,
        condition: str | None = None,
        values: Values | None = None,
    ) -> bool:
        """Write a whole item."""
        item = _key(project, sk) | _to_dynamo(document.model_dump(mode="json", exclude_none=True))
        return _conditional(self._table.put_item, condition, values, Item=item)

    def update(
        self,
        project: str,
        sk: str,
        changes: Values,
        condition: str = PRESENT,
        values: Values | None = None,
    ) -> bool:
        """Change some of an item's fields; their names stand as `#name` in the condition too."""
        written = {f":{name}": _to_dynamo(value) for name, value in changes.items()}
        return _conditional(
            self._table.update_item,
            condition,
            written | dict(values or {}),
            Key=_key(project, sk),
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in changes),
            ExpressionAttributeNames={f"#{name}": name for name in changes},
        )

    def delete(
        self, project: str, sk: str, condition: str | None = None, values: Values | None = None
    ) -> bool:
        """Remove an item."""
        return _conditional(self._table.delete_item, condition, values, Key=_key(project, sk))


def _conditional(call: Any, condition: str | None, values: Values | None, **request: Any) -> bool:
    if condition:
        request["ConditionExpression"] = condition
    if values:
        request["ExpressionAttributeValues"] = dict(values)
    try:
        call(**request)
    except ClientError as error:
        if error_code(error) == "ConditionalCheckFailedException":
            return False
        raise
    return True


def _pk(project: str) -> str:
    return f"project#{project}"


def _key(project: str, sk: str) -> dict[str, str]:
    return {"pk": _pk(project), "sk": sk}


def _to_dynamo(value: Any) -> Any:
    """DynamoDB's numbers are decimal; `repr` keeps every digit of a float."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {key: _to_dynamo(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_to_dynamo(inner) for inner in value]
    return value


def _read(item: dict[str, Any], model: type[Item]) -> Item:
    return model.model_validate({k: v for k, v in item.items() if k not in ("pk", "sk")})
