"""Pushed projects: content-addressed in the lake, the newest version pointed at in the ledger."""

from dropforge import layout
from dropforge.aws.documents import read_bytes, write_bytes
from dropforge.aws.ledger import Ledger
from dropforge.project import ProjectSpec, parse_project


def publish_project(lake: str, ledger: Ledger, spec: ProjectSpec) -> str:
    """Store a project and make it the one that new runs use; answers its version."""
    uri = layout.project_spec(lake, spec.name, spec.version)
    write_bytes(uri, spec.canonical_json().encode(), "application/json")
    ledger.point_project(spec.name, spec.version)
    return spec.version


def fetch_project(lake: str, project: str, version: str) -> ProjectSpec:
    """The project as it was pushed at `version`."""
    return parse_project(read_bytes(layout.project_spec(lake, project, version)).decode())
