"""Numbers in roff: digits with units and operators, read from left to right without precedence, as troff does."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(\d+(?:\.\d*)?|\.\d+)([icpPmnMuvsfz]?)")
_WIDTH = re.compile(r"\\w'([^']*)'")
_OPERATOR = re.compile(r"<=|>=|==|<\?|>\?|[-+*/%<>=&:]")
_DEEPEST = 20


def evaluate(text: str) -> tuple[int, int]:
    """The value of the expression that `text` begins with, units ignored, and where it ends; (0, 0) if none."""
    value, end = _expression(text, 0, 0)
    return int(value), end


def _expression(text: str, place: int, depth: int) -> tuple[float, int]:
    value, end = _operand(text, place, depth)
    if end == place:
        return 0, place
    while match := _OPERATOR.match(text, end):
        right, after = _operand(text, match.end(), depth)
        if after == match.end():
            break
        value, end = _apply(match[0], value, right), after
    return value, end


def _operand(text: str, place: int, depth: int) -> tuple[float, int]:
    character = text[place : place + 1]
    if character in ("+", "-"):
        value, end = _operand(text, place + 1, depth)
        return (-value if character == "-" else value), (end if end > place + 1 else place)
    if character == "(" and depth < _DEEPEST:
        value, end = _expression(text, place + 1, depth + 1)
        return value, (end + 1 if end > place + 1 and text[end : end + 1] == ")" else place)
    if match := _NUMBER.match(text, place):
        return float(match[1]), match.end()
    if match := _WIDTH.match(text, place):
        return float(len(match[1])), match.end()
    return 0, place


def _apply(operator: str, left: float, right: float) -> float:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/":
            return left // right if right else 0
        case "%":
            return left % right if right else 0
        case "<":
            return left < right
        case ">":
            return left > right
        case "<=":
            return left <= right
        case ">=":
            return left >= right
        case "=" | "==":
            return left == right
        case "&":
            return bool(left > 0 and right > 0)
        case ":":
            return bool(left > 0 or right > 0)
        case "<?":
            return min(left, right)
        case _:
            return max(left, right)
