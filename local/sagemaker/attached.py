"""What hangs on scalable targets: policies and scheduled actions, documents with a name.

https://docs.aws.amazon.com/autoscaling/application/APIReference/Welcome.html
"""

from pathlib import Path

from local.sagemaker.errors import ObjectNotFound
from local.sagemaker.store import Document, Store, now


class Attached:
    """Documents of one kind: `name` is the field that names one, `listed` what a list is called."""

    def __init__(self, path: Path, name: str, listed: str) -> None:
        self._store, self._name, self._listed = Store(path), name, listed

    def put(self, request: Document, made: Document) -> Document:
        """Stores or changes a document; a new one gets the fields that the service makes."""
        old = self._store.get(self._key(request))
        document = (old or made | {"CreationTime": now()}) | request
        self._store.put(self._key(request), document)
        return document

    def delete(self, request: Document) -> Document:
        """Forgets a document. Raises ObjectNotFound."""
        if self._store.get(self._key(request)) is None:
            raise ObjectNotFound(
                f"No {self._name} {request[self._name]} found for {where(request)}"
            )
        self._store.remove(self._key(request))
        return {}

    def describe(self, request: Document) -> Document:
        """The documents that the request's filters leave."""
        names = request.get(f"{self._name}s")
        found = chosen(self._store, request)
        return {self._listed: [one for one in found if not names or one[self._name] in names]}

    def forget(self, target: Document) -> None:
        """Forgets what hangs on the target."""
        for one in list(self._store):
            if key_of(one) == key_of(target):
                self._store.remove(self._key(one))

    def _key(self, document: Document) -> str:
        return f"{key_of(document)}|{document[self._name]}"


def chosen(store: Store, request: Document) -> list[Document]:
    """What the filters of a Describe call leave."""
    one = request.get("ResourceId")
    resources = request.get("ResourceIds") or ([one] if one else None)
    dimension = request.get("ScalableDimension")
    return [
        item
        for item in store
        if (not resources or item["ResourceId"] in resources)
        and (not dimension or item["ScalableDimension"] == dimension)
    ]


def key_of(request: Document) -> str:
    """What identifies a target."""
    return f"{request['ResourceId']}|{request['ScalableDimension']}"


def where(request: Document) -> str:
    """A target as the service's messages name it."""
    return (
        f"service namespace: {request['ServiceNamespace']}, resource ID: {request['ResourceId']}, "
        f"scalable dimension: {request['ScalableDimension']}"
    )
