"""The documents SageMaker keeps, as JSON files that outlive the process."""

import copy
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Document = dict[str, Any]


class Store:
    """Named documents of one kind. Every change is written at once; reads are copies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._documents: dict[str, Document] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, name: str) -> Document | None:
        """A copy of the document, or None."""
        with self._lock:
            return copy.deepcopy(self._documents.get(name))

    def put(self, name: str, document: Document) -> None:
        """Stores the document under the name."""
        with self._lock:
            self._documents[name] = copy.deepcopy(document)
            self._write()

    def add(self, name: str, document: Document, taken: Callable[[Document], Exception]) -> None:
        """Stores a new document; raises what `taken` makes of the one that has the name."""
        with self._lock:
            if name in self._documents:
                raise taken(self._documents[name])
            self.put(name, document)

    def update(self, name: str, **fields: Any) -> Document:
        """Sets fields (None removes one) and LastModifiedTime; returns the new document."""
        with self._lock:
            document = self._documents[name]
            for field, value in {**fields, "LastModifiedTime": now()}.items():
                if value is None:
                    document.pop(field, None)
                else:
                    document[field] = value
            self._write()
            return copy.deepcopy(document)

    def remove(self, name: str) -> None:
        """Forgets the document."""
        with self._lock:
            self._documents.pop(name, None)
            self._write()

    def __iter__(self) -> Iterator[Document]:
        with self._lock:
            return iter(copy.deepcopy(list(self._documents.values())))

    def _write(self) -> None:
        draft = self._path.with_suffix(".tmp")
        draft.write_text(json.dumps(self._documents))
        draft.replace(self._path)


def now() -> float:
    """The time as the JSON protocol writes it: seconds since the epoch, to the millisecond."""
    return round(time.time(), 3)
