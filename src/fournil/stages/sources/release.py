"""Release files of Debian archives: what they list, who signed them, and whether they are of the time that it is.

Format: https://wiki.debian.org/DebianRepository/Format. A Release lists the SHA-256 of every index of a suite; it is
signed, within itself (InRelease) or beside itself (Release.gpg).
"""

from __future__ import annotations

import email.utils
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fournil.core.errors import FournilError
from fournil.core.speech import tr

KEYRINGS = tuple(
    Path(folder, f"{name}-archive-keyring.{suffix}")
    for folder in ("/usr/share/keyrings", "/usr/share/keyring", "/etc/apt/trusted.gpg.d")
    for name in ("debian", "ubuntu")
    for suffix in ("gpg", "pgp")
)
"""Where systems keep the keys of Debian's and Ubuntu's archives."""
UNCHECKED = "none"
"""In place of a keyring: signatures are not looked at."""
_BEGIN = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"
_FIELD = re.compile(r"^([A-Za-z0-9-]+):[ \t]*(.*(?:\n[ \t].*)*)$", re.MULTILINE)
_FILE = re.compile(r"[ \t]*([0-9a-f]{64})[ \t]+(\d+)[ \t]+(\S+)")


@dataclass(frozen=True)
class Release:
    """What a Release file says."""

    suite: str
    codename: str
    date: str
    valid_until: str
    files: dict[str, tuple[str, int]]
    """Path below the suite's folder → SHA-256 and length."""
    by_hash: bool
    """Whether files can also be had by their hash, whatever is published meanwhile."""
    has_all: bool
    """Whether packages for all architectures have indexes of their own."""

    @classmethod
    def parse(cls, text: str, where: str) -> Release:
        """Read a Release file.

        Raises:
            FournilError: It is none, or lists no SHA-256.
        """
        fields = {name: value.strip("\n") for name, value in _FIELD.findall(text)}
        lines = (_FILE.fullmatch(line) for line in fields.get("SHA256", "").splitlines())
        files = {found[3]: (found[1], int(found[2])) for found in lines if found}
        if not files or not (fields.get("Suite") or fields.get("Codename")):
            fix = tr("Check the name of the mirror and of the suite, or name another mirror.")
            raise FournilError(tr("this is no Release file that lists SHA-256"), where=where, fix=fix)
        return cls(
            suite=fields.get("Suite", ""),
            codename=fields.get("Codename", ""),
            date=fields.get("Date", ""),
            valid_until=fields.get("Valid-Until", ""),
            files=files,
            by_hash=fields.get("Acquire-By-Hash", "").lower() == "yes",
            has_all="all" in fields.get("Architectures", "").split()
            and fields.get("No-Support-for-Architecture-all", "") != "Packages",
        )

    def doubt(self, now: datetime) -> str:
        """Say why the file is not of the time that it is: made later, or out of date; empty when it is."""
        made, until = _time(self.date), _time(self.valid_until)
        if made is not None and made > now and (made - now).total_seconds() > 24 * 3600:
            return tr("its Release was made on {date}: this machine's clock is behind", date=self.date)
        if until is not None and until < now:
            return tr(
                "its Release was valid until {date}: the mirror is old, or the clock ahead", date=self.valid_until
            )
        return ""


@dataclass(frozen=True)
class Signature:
    """What came of checking a signature."""

    state: str
    """`good`, or `unchecked`."""
    keys: tuple[str, ...] = ()
    """Fingerprints of the keys that signed."""
    why: str = ""
    """Why it was not checked: `no-gpgv`, `no-keyring` or `keyring-none`."""

    def facts(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"state": self.state, "keys": list(self.keys), "why": self.why}


def keyrings(named: str) -> tuple[Path, ...]:
    """Return the keyrings to trust: the one named, else those of the system that are there.

    Raises:
        FournilError: The one named is not there, or there is no gpgv to use it.
    """
    if named == UNCHECKED:
        return ()
    if not named:
        return tuple(path for path in KEYRINGS if path.is_file())
    if not Path(named).expanduser().is_file():
        fix = tr("Check sources.keyring: a file of keys as gpgv reads it, or none.")
        raise FournilError(tr("no such keyring"), where=named, fix=fix)
    if shutil.which("gpgv") is None:
        fix = tr("Install gpgv, or leave sources.keyring out.")
        raise FournilError(tr("signatures cannot be checked: this machine has no gpgv"), where=named, fix=fix)
    return (Path(named).expanduser().absolute(),)


def check_signature(data: bytes, detached: bytes | None, named: str, where: str) -> tuple[str, Signature]:
    """Check who signed a Release file.

    Args:
        data: An InRelease, or a Release.
        detached: The Release.gpg that signs a Release; empty where the archive has none; None for an InRelease.
        named: A keyring, `none`, or empty for the system's.
        where: Its address, for error messages.

    Returns:
        The signed text, and the signature. The text of an InRelease is what was signed and nothing around it.

    Raises:
        FournilError: The signature is bad, missing, or of a key that the keyring has not.
    """
    rings = keyrings(named)
    if named == UNCHECKED or not rings or shutil.which("gpgv") is None:
        why = "keyring-none" if named == UNCHECKED else "no-gpgv" if shutil.which("gpgv") is None else "no-keyring"
        text = data.decode("utf-8", "replace")
        return (_cleartext(text, where) if detached is None else text), Signature("unchecked", why=why)
    fix = tr(
        "Do not trust this mirror: name another one. For an archive of your own, name its keys with sources.keyring."
    )
    if detached == b"":
        raise FournilError(tr("this Release file is not signed"), where=where, fix=fix)
    with tempfile.TemporaryDirectory(prefix="fournil-release-") as folder:
        release, out, signature = (Path(folder, name) for name in ("Release", "out", "Release.gpg"))
        release.write_bytes(data)
        files = [str(release)]
        if detached is not None:
            signature.write_bytes(detached)
            files = [str(signature), str(release)]
        command = ["gpgv", "--status-fd", "1", *(part for ring in rings for part in ("--keyring", str(ring)))]
        done = subprocess.run(
            [*command, *(["--output", str(out)] if detached is None else []), *files], capture_output=True, check=False
        )
        status = re.findall(r"^\[GNUPG:\] (\S+)(?: (\S+))?", done.stdout.decode("utf-8", "replace"), re.MULTILINE)
        words = [word for word, _ in status]
        good = tuple(sorted({key for word, key in status if word == "VALIDSIG"}))
        if "BADSIG" in words:
            raise FournilError(tr("the signature of this Release file is bad"), where=where, fix=fix)
        if not good or "GOODSIG" not in words or (detached is None and not out.exists()):
            missing = ", ".join(sorted({key for word, key in status if word == "NO_PUBKEY"})) or "?"
            what = tr("this Release file is signed by no key of the keyring (by {keys})", keys=missing)
            fix = tr("Update the package debian-archive-keyring, or name the archive's keys with sources.keyring.")
            raise FournilError(what, where=where, fix=fix)
        text = (out.read_bytes() if detached is None else data).decode("utf-8", "replace")
    return text, Signature("good", good)


def _cleartext(text: str, where: str) -> str:
    """Return what a clear-signed file signs (RFC 9580, section 7)."""
    text = text.replace("\r\n", "\n")
    if not text.startswith(_BEGIN) or _SIGNATURE not in text:
        fix = tr("Check the name of the mirror and of the suite, or name another mirror.")
        raise FournilError(tr("this is no signed Release file"), where=where, fix=fix)
    body = text.partition("\n\n")[2].partition(f"\n{_SIGNATURE}")[0]
    return "\n".join(line.removeprefix("- ") for line in body.split("\n")) + "\n"


def _time(text: str) -> datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
