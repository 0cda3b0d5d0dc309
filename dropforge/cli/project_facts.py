"""What `validate` understood of a project: a line a topic, in people's words."""

from collections.abc import Iterator

from dropforge.features import FeaturesSpec
from dropforge.metrics import HIGHER_IS_BETTER
from dropforge.project import ProjectSpec
from dropforge.promotion import FairnessRule, Threshold

SHOWN = 8
"""So many names are listed of a kind."""


def facts(spec: ProjectSpec) -> list[tuple[str, str]]:
    """Topics and what the project says of them, defaults included."""
    return [
        ("predicts", _predicts(spec)),
        *_features(spec),
        ("data", _data(spec)),
        ("period", f"{spec.period}, history in {spec.history}.*"),
        ("tuning", _tuning(spec)),
        *([("decides", _threshold(spec.threshold))] if spec.task == "binary" else []),
        ("judged by", f"{spec.metric}, on rows that no model was fitted on"),
        *(("", rule) for rule in _rules(spec)),
        *([("slices", _names(spec.slices))] if spec.slices else []),
        ("fairness", _names(spec.protected_columns) or "no protected column named"),
        ("promotes", _promotes(spec)),
        ("approval", spec.approval),
        ("endpoint", spec.endpoint),
        ("mails", _names(_mailed(spec), most=100) or "nobody is mailed"),
    ]


def _predicts(spec: ProjectSpec) -> str:
    what = {
        "binary": f"{spec.target} = {spec.positive}",
        "multiclass": f"{spec.target}, one of {_names([str(c) for c in spec.classes])}",
        "regression": f"{spec.target}, a number",
    }[spec.task]
    return f"{what}, one row a {spec.id} ({spec.task})"


def _features(spec: ProjectSpec) -> Iterator[tuple[str, str]]:
    features = spec.features
    parts = [f"{len(features.selected)} columns", f"{len(features.derive)} derived"]
    counts = {
        "from dates": len(features.date_parts),
        "from earlier periods": len(features.aggregates),
        "by features.py": len(features.python.gives) if features.python else 0,
    }
    parts += [f"{count} {what}" for what, count in counts.items() if count]
    yield "features", ", ".join(parts)
    for name, text in features.derive.items():
        yield "", f"{name} = {' '.join(text.split())}"
    for name, aggregate in features.aggregates.items():
        of = f" of {aggregate.column}" if aggregate.column else ""
        yield "", f"{name} = {aggregate.statistic}{of} by {aggregate.by}, over earlier periods"
    yield "impute", _impute(features)
    yield "encode", _encode(features)


def _impute(features: FeaturesSpec) -> str:
    rules = features.impute if isinstance(features.impute, dict) else {"": features.impute}
    return _by_key({key: _one(rule) for key, rule in rules.items()})


def _encode(features: FeaturesSpec) -> str:
    rules = features.encode if isinstance(features.encode, dict) else {"": features.encode}
    return _by_key({key: _one(rule) for key, rule in rules.items()})


def _one(rule: object) -> str:
    """A rule as people say it: `median`, `constant 0`, `ordinal low < high`."""
    match rule:
        case str() | float():
            return str(rule) if isinstance(rule, str) else f"constant {rule:g}"
    said = dict(rule)  # type: ignore[call-overload]
    name, value = next(iter(said.items()))
    if isinstance(value, list):
        return f"{name} {' < '.join(value)}"
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"


def _by_key(rules: dict[str, str]) -> str:
    return ", ".join(f"{key}: {rule}" if key else rule for key, rule in rules.items())


def _data(spec: ProjectSpec) -> str:
    if spec.contract is None:
        return "no contract.yml: types come from the first file"
    columns = len(spec.contract.columns)
    rules = len(spec.contract.rules) + len(spec.contract.unique)
    plural = "" if rules == 1 else "s"
    return f"contract.yml: {columns} columns, {rules} rule{plural} over rows"


def _tuning(spec: ProjectSpec) -> str:
    tune = spec.tune
    budget = f", at most {tune.time_budget_seconds} s" if tune.time_budget_seconds else ""
    return f"{tune.trials} trials, seed {tune.seed}{budget}"


def _threshold(rule: Threshold) -> str:
    if rule.cost is not None:
        cost = rule.cost
        return f"by cost {cost.false_positive:g} to {cost.false_negative:g}"
    name, value = next(iter(rule.model_dump(exclude_none=True).items()))
    return f"for a {name} of {value:g}" if name != "flagged" else f"so that {value:.0%} are flagged"


def _rules(spec: ProjectSpec) -> Iterator[str]:
    rules = spec.promotion
    for metric, bound in rules.min.items():
        yield f"{metric} {'at least' if HIGHER_IS_BETTER[metric] else 'at most'} {bound:g}"
    for column, rule in rules.fairness.items():
        yield f"{_fairness(rule)} by {column}"
    champion = rules.champion
    yield (
        f"better than the champion by more than {champion.margin:g} "
        f"with confidence {champion.confidence:g}"
    )
    if (drop := rules.max_reference_drop) is not None:
        yield f"at most {drop:g} worse than {spec.reference or 'the first model promoted'}"
    bounds = {
        "worst slice at most {:g} below the champion's": rules.max_slice_drop,
        "flagged share changes by at most {:g}": rules.max_flagged_change,
        "artifact at most {:g} MB": rules.max_size_mb,
        "one row in at most {:g} ms (advisory)": rules.max_latency_ms,
    }
    for text, value in bounds.items():
        if value is not None:
            yield text.format(value)


def _fairness(rule: FairnessRule) -> str:
    said = rule.model_dump(exclude_none=True)
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in said.items())


def _promotes(spec: ProjectSpec) -> str:
    modes = {
        "enforced": "only what passes",
        "advisory": "every model: the rules are reported",
        "off": "every model: there are no rules",
    }
    refit = "; the model in use is fitted on all rows" if spec.refit == "all" else ""
    leaks = "" if spec.promotion.leakage == "reject" else "; leaking columns are only named"
    return modes[spec.promotion.mode] + leaks + refit


def _mailed(spec: ProjectSpec) -> list[str]:
    notify = spec.notify
    return sorted({*notify.results, *notify.failures, *notify.approvals})


def _names(names: list[str], most: int = SHOWN) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
