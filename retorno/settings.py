"""Where this installation keeps its database and keys, and at which address it answers.

Variables start with ``RETORNO_``; a mistyped one stops the start, because it would otherwise be ignored silently.
None of them touches a rule: numbers of the rules are in ``data/policy.csv`` and only become stricter (R30).
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from retorno.errors import Fault, InputError


class Settings(BaseSettings):
    """Settings of one installation.

    Parameters
    ----------
    database
        SQLAlchemy address: ``sqlite:///var/office.db`` or ``postgresql+psycopg://...``.
    key_file
        File with the signing, commitment and wrapping keys, mode 0600, outside the database.
    host, port, scheme
        Address at which browsers reach the office; behind a proxy the public one, with ``scheme=https``.
    bind_port
        Port on the loopback interface to listen on; 0 for the same as ``port``.
    """

    model_config = SettingsConfigDict(env_prefix="RETORNO_")

    database: str = "sqlite:///var/office.db"
    key_file: Path = Path("var/keys.json")
    host: str = "127.0.0.1"
    port: int = 8501
    scheme: str = "http"
    bind_port: int = 0
    data: Path | None = None

    @property
    def origin(self) -> str:
        """The one origin that browsers may call from."""
        default = 443 if self.scheme == "https" else 80
        return f"{self.scheme}://{self.host}" + ("" if self.port == default else f":{self.port}")

    @property
    def allowed_hosts(self) -> frozenset[str]:
        """Values of the Host header that are answered."""
        names = {self.host} | ({"localhost"} if self.host == "127.0.0.1" else set())
        return frozenset({f"{name}:{self.port}" for name in names} | (names if self.port in (80, 443) else set()))


def load_settings() -> Settings:
    """Settings from the environment; ``InputError`` names every unknown ``RETORNO_`` variable."""
    known = {f"RETORNO_{name.upper()}" for name in Settings.model_fields}
    faults = [
        Fault(what=f"unknown setting, expected one of {', '.join(sorted(known))}", column=name)
        for name in sorted(os.environ)
        if name.startswith("RETORNO_") and name not in known
    ]
    if faults:
        raise InputError(faults)
    return Settings()
