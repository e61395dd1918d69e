"""Settings of this machine: the only reader of the environment."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit

from platformdirs import user_cache_path, user_config_path, user_data_path
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from research.errors import UsageError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

APP = "gpu-depin-research"
_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)
_PASSWORDS = re.compile(r"://[^/?#]*?:([^/?#]+)@|[?&](?:pass|[a-z]*(?:key|token|secret))=([^&#]+)")
_TOKEN = re.compile(r"(?<![\w%-])(?=[\w%-]*\d)[\w%-]{16,}")  # by which a chat lets one in


class Settings(BaseSettings):
    """What may differ between machines; each field can be set as `RESEARCH_<FIELD>`."""

    model_config = SettingsConfigDict(
        env_prefix="RESEARCH_", env_nested_delimiter="__", frozen=True
    )

    store: str = str(user_data_path(APP) / "store")  # folder of the Delta Lake table
    catalogue: Path = user_config_path(APP) / "catalogue"  # folder of one's own TOML files
    built_in: Path | None = None  # folder in place of the catalogue's own, such as that of then
    cache: Path = user_cache_path(APP)  # what can be made again, such as the simulated market
    # for which a run that is killed keeps others from its reports on an object store
    lease_seconds: Annotated[float, Field(gt=0)] = 120.0
    # by upstream, as the catalogue calls it: RESEARCH_URLS__AKASH=http://127.0.0.1:8000
    urls: Mapping[str, str] = Field(default_factory=dict)  # instead of the catalogue's base URL
    keys: Mapping[str, SecretStr] = Field(default_factory=dict)
    switched_on: Mapping[str, bool] = Field(default_factory=dict)  # instead of the catalogue's
    # whom reports tell of, by name: RESEARCH_ALERTS__DESK=mailto://user:password@example.org
    alerts: Mapping[str, SecretStr] = Field(default_factory=dict)  # addresses of apprise


@cache
def settings() -> Settings:
    """Return the settings of this process, read once.

    Raises
    ------
    UsageError : that names each variable that is wrong, and never what it holds
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = [_told(each) for each in error.errors(include_input=False, include_context=False)]
    except SettingsError as error:  # text where a table should be
        fields = [name for name in Settings.model_fields if f'"{name}"' in str(error)]
        wrong = [f"{_variable(fields)}: not understood; set {_set_as(*fields)}__NAME, one a name"]
    raise UsageError("\n".join(dict.fromkeys(wrong)))  # here, as both errors hold the values


def _told(error: ErrorDetails) -> str:
    """Say which variable is wrong, and how."""
    place = [str(part) for part in error["loc"]]
    variable = _variable(place)
    _, is_parted, rest = variable.upper().partition(f"{_set_as(*place)}__")
    if is_parted:
        return f"{variable}: `__` stands before a name only; set {_set_as(*place)}_{rest}"
    return f"{variable}: {error['msg']}"


def _variable(place: Sequence[str]) -> str:
    """Return the variable that a value of the settings comes from, as the environment has it."""
    asked = _set_as(*place)
    found = [name for name in os.environ if f"{name.upper()}__".startswith(f"{asked}__")]
    return min(found, default=_set_as(*place[:1]))  # of a text with a whole table, the field's


def _set_as(*place: str) -> str:
    """Return the variable that sets a value of the settings."""
    return f"RESEARCH_{'__'.join(place)}".upper()


def credentials() -> tuple[str, ...]:
    """Return every key and password that this process was given.

    These are the keys of the settings, passwords within addresses, addresses that alerts go to with
    the passwords and tokens in them, and the values of environment variables whose name says that
    they are secret, such as an object store's.
    """
    chosen = settings()
    keys = [key.get_secret_value() for key in chosen.keys.values()]
    addresses = [urlsplit(address) for address in (chosen.store, *chosen.urls.values())]
    passwords = [address.password for address in addresses if "@" in address.netloc]
    named = [value for name, value in os.environ.items() if _SECRET.search(name)]
    told = [part for each in chosen.alerts.values() for part in _secrets(each.get_secret_value())]
    return tuple(secret for secret in (*keys, *passwords, *told, *named) if secret)


def _secrets(address: str) -> set[str]:
    """Return what nobody may learn of an address of apprise: all of it, passwords and tokens."""
    passwords = {part for found in _PASSWORDS.findall(address) for part in found}
    tokens = set(_TOKEN.findall(address.partition("://")[2]))
    return {form for each in (address, *passwords, *tokens) for form in (each, unquote(each))}


def identity() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what this machine and its user are called: host names, then user names."""
    hosts = (socket.gethostname(), *map(os.environ.get, ("HOSTNAME", "COMPUTERNAME")))
    users = map(os.environ.get, ("USER", "LOGNAME", "USERNAME", "SUDO_USER"))
    return _each_once(hosts), _each_once((*users, Path.home().name))


def _each_once(names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
