"""Finding a project's folder by its name or path."""

from pathlib import Path

from dropforge.errors import InvalidProject
from dropforge.project import ProjectSpec
from dropforge.project_folder import load_project

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "projects"


def project_folder(name: str) -> Path:
    """The folder that `name` means: a path, or a folder below projects/ here or in the repository.

    Raises:
        InvalidProject: no such folder holds a project.yml; the message lists where it was looked.
    """
    candidates = [Path(name), Path("projects") / name, EXAMPLES / name]
    for folder in candidates:
        if (folder / "project.yml").is_file():
            return folder
    looked = ", ".join(str(folder / "project.yml") for folder in dict.fromkeys(candidates))
    known = sorted(path.parent.name for path in EXAMPLES.glob("*/project.yml"))
    raise InvalidProject(
        f"No project {name!r}: looked for {looked}.",
        next_command=f"name one of {', '.join(known)}, or a folder" if known else None,
    )


def read_project(name: str) -> tuple[Path, ProjectSpec]:
    """A project's folder and its specification.

    Raises:
        InvalidProject: there is none, or its files break the reference.
    """
    folder = project_folder(name)
    return folder, load_project(folder)
