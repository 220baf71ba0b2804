"""Arithmetic in transformations: `iw_div_2`, `ch_mul_0.25_add_10` (`docs`)."""

import math
import operator
import re
from collections.abc import Callable, Mapping

VARIABLES = ("ih", "iw", "iar", "ch", "cw", "car", "bh", "bw", "bar", "idu", "bdu")
"""Height, width and their ratio: of the image as it is stored, as the step before has left it, and of the image below a
layer; the duration of a video."""

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

    Raise `ValueError` if it has no value: a division by zero, a power that is too large, an unknown variable.
    """
    words = text.split("_")
    names = words[1::2]
    try:
        # floats throughout: a power of whole numbers can be longer than the memory
        values = [float(variables.get(word, word)) for word in words[::2]]
        for rank in _RANKS:
            values, names = _reduce(values, names, rank)
        value = float(values[0])
    # the root of a negative number is not a real number, and not every variable is known everywhere
    except (ArithmeticError, TypeError, ValueError) as error:
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
