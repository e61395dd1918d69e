"""Settings of this machine: the only reader of the environment."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_data_path
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

APP = "gpu-depin-research"


class Settings(BaseSettings):
    """What may differ between machines; each field can be set as `RESEARCH_<FIELD>`."""

    model_config = SettingsConfigDict(
        env_prefix="RESEARCH_", env_nested_delimiter="__", frozen=True
    )

    store: str = str(user_data_path(APP) / "store")  # folder of the Delta Lake table
    catalogue: Path = user_config_path(APP) / "catalogue"  # folder of one's own TOML files
    cache: Path = user_cache_path(APP)  # what can be made again, such as the simulated market
    # by upstream, as the catalogue calls it: RESEARCH_URLS__AKASH=http://127.0.0.1:8000
    urls: Mapping[str, str] = Field(default_factory=dict)  # instead of the catalogue's base URL
    keys: Mapping[str, SecretStr] = Field(default_factory=dict)
    switched_on: Mapping[str, bool] = Field(default_factory=dict)  # instead of the catalogue's


@cache
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
