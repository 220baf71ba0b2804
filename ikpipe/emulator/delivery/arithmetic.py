"""Arithmetic in transformations: `iw_div_2`, `ch_mul_0.25_add_10` (`docs`)."""

import math
import operator
import re
from collections.abc import Callable, Mapping

VARIABLES = ("ih", "iw", "iar", "ch", "cw", "car")
"""Height, width and their ratio: of the picture as it is stored, and as the step before has left it."""

_RANKS: tuple[dict[str, Callable[[float, float], float]], ...] = (
    {"mul": operator.mul, "div": operator.truediv},
    {"add": operator.add, "sub": operator.sub},
    {"mod": operator.mod},
    {"pow": operator.pow},
)
"""The operators, in the order in which they are worked out (`docs`: powers come last)."""
_VALUE = rf"(?:\d{{1,9}}(?:\.\d{{1,9}})?|{'|'.join(VARIABLES)})"
_EXPRESSION = re.compile(rf"{_VALUE}(?:_(?:{'|'.join(name for rank in _RANKS for name in rank)})_{_VALUE})*")


def is_expression(text: str) -> bool:
    """Whether a text is a number, a variable, or several of them with operators between."""
    return _EXPRESSION.fullmatch(text) is not None


def evaluate(text: str, variables: Mapping[str, float]) -> float:
    """Work an expression out.

    Raise `ValueError` if it has no value: a division by nothing, or a power beyond all numbers.
    """
    words = text.split("_")
    # floats throughout: a power of whole numbers can be longer than the memory
    values = [float(variables.get(word, word)) for word in words[::2]]
    names = words[1::2]
    try:
        for rank in _RANKS:
            values, names = _reduce(values, names, rank)
        value = float(values[0])
    except (ArithmeticError, TypeError) as error:  # the root of a negative number is not a real number
        raise ValueError(f"{text} has no value") from error
    if not math.isfinite(value):
        raise ValueError(f"{text} has no value")
    return value


def _reduce(
    values: list[float], names: list[str], rank: Mapping[str, Callable[[float, float], float]]
) -> tuple[list[float], list[str]]:
    """Carry out the operators of one rank, from left to right."""
    done, left = [values[0]], []
    for name, value in zip(names, values[1:], strict=True):
        if name in rank:
            done[-1] = rank[name](done[-1], value)
        else:
            done.append(value)
            left.append(name)
    return done, left
