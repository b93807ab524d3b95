"""Licences as SPDX expressions (license-expression reads them; the list of known keys is its own)."""

from __future__ import annotations

from functools import cache
from typing import Any

from fournil.core.errors import FournilError
from fournil.core.speech import tr


@cache
def _licensing() -> Any:  # noqa: ANN401 - the library has no types
    from license_expression import get_spdx_licensing

    return get_spdx_licensing()


def normal_spdx(expression: str) -> str:
    """Return an SPDX expression in its normal spelling.

    Args:
        expression: Such as `gpl-3.0-or-later OR MIT`; `LicenseRef-…` names are allowed.

    Raises:
        FournilError: When a name is not on the SPDX list or the expression cannot be parsed.
    """
    from license_expression import ExpressionError

    if not expression.strip():
        raise FournilError(tr("an empty licence"), fix=tr("Give an SPDX expression such as CC-BY-4.0."))
    try:
        parsed = _licensing().parse(expression, validate=False)
        unknown = [key for key in _licensing().unknown_license_keys(parsed) if not key.startswith("LicenseRef-")]
    except (ExpressionError, ValueError) as error:
        what = tr("not an SPDX expression: {expression!r}", expression=expression)
        raise FournilError(what, fix=tr("See https://spdx.org/licenses/.")) from error
    if unknown:
        what = tr("unknown SPDX licence {name!r}", name=unknown[0])
        raise FournilError(what, fix=tr("See https://spdx.org/licenses/."))
    return str(parsed)


def is_known(expression: str) -> bool:
    """Say whether an expression is valid SPDX with known names only."""
    try:
        normal_spdx(expression)
    except FournilError:
        return False
    return True
