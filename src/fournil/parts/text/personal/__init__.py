"""Personal data: found and replaced by typed marks.

A kernel runs over the bytes once and names the places that are worth a look; regular expressions, numbering plans and
check digits look there only. One file for each family of data.
"""

from fournil.parts.text.personal.find import find_all, find_personal_data
from fournil.parts.text.personal.found import KINDS, MARKS, SPARED, Found, mask

__all__ = ["KINDS", "MARKS", "SPARED", "Found", "find_all", "find_personal_data", "mask"]
