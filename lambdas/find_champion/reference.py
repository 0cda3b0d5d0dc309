"""The reference model: a frozen one, so that a chain of small drops shows."""

from collections.abc import Iterable

from dropforge.ledger import Champion, RegisteredModel


def reference_model(
    models: Iterable[RegisteredModel], champion: Champion | None, named: str | None
) -> RegisteredModel | None:
    """The version that the project names, else the first one that was ever promoted.

    None if there is no such model, or if it is the champion: that is compared with anyway.
    """
    wanted = named.removeprefix("v") if named else None
    fit = [model for model in models if (model.version == wanted if wanted else model.was_promoted)]
    first = min(fit, key=lambda model: int(model.version), default=None)
    if first is None or (champion is not None and champion.version == first.version):
        return None
    return first
