"""What "not given" looks like inside a list or an object: None, NaN, NaT, pandas' NA. Pure, and without pandas."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

Value = TypeVar("Value")


def missing(value: object) -> bool:
    """Whether a value inside a list or an object means "not given": None, NaN, NaT, pandas' NA."""
    kind = type(value)
    if value is None or (kind.__name__ in ("NAType", "NaTType") and kind.__module__.startswith("pandas.")):
        return True
    if isinstance(value, Decimal):
        return value.is_qnan()
    is_number = isinstance(value, float) or (hasattr(value, "dtype") and getattr(value, "ndim", 1) == 0)
    return is_number and bool(value != value)  # noqa: PLR0124 - so NaN is told from others


def without_none(values: Mapping[str, Value | None]) -> dict[str, Value]:
    """Return settings by name, without those that are None, which means "not given"."""
    return {name: value for name, value in values.items() if value is not None}


def without_missing(value: Any) -> Any:
    """Return an object without its fields that are NaN or NA, and without the missing items of its lists.

    A field that is None stays: it is JSON's null. What is nested too deep to be gone through stays as it is.
    """
    try:
        return _cleaned(value)
    except RecursionError:
        return value


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _cleaned(one) for key, one in value.items() if one is None or not missing(one)}
    if isinstance(value, (list, tuple)):
        return [_cleaned(one) for one in value if not missing(one)]
    return value
