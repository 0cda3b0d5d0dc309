"""Tags of SageMaker resources, by ARN."""

from local.home import Home
from local.sagemaker.store import Document, Store


class Tags:
    """AddTags, ListTags, DeleteTags."""

    def __init__(self, home: Home) -> None:
        self._store = Store(home.state / "sagemaker-tags.json")

    def add(self, request: Document) -> Document:
        """Sets the tags given; returns all."""
        key = request["ResourceArn"]
        tags = (self._store.get(key) or {}) | {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        self._store.put(key, tags)
        return self.list(request)

    def list(self, request: Document) -> Document:
        """All tags of the resource."""
        tags = self._store.get(request["ResourceArn"]) or {}
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def delete(self, request: Document) -> Document:
        """Removes the keys given."""
        tags = self._store.get(request["ResourceArn"]) or {}
        self._store.put(
            request["ResourceArn"],
            {key: value for key, value in tags.items() if key not in request["TagKeys"]},
        )
        return {}
