"""Settings of this machine: the only reader of the environment."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from platformdirs import user_cache_path, user_config_path, user_data_path
from pydantic_settings import BaseSettings, SettingsConfigDict

APP = "gpu-depin-research"


class Settings(BaseSettings):
    """What may differ between machines; each field can be set as `RESEARCH_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="RESEARCH_", frozen=True)

    store: str = str(user_data_path(APP) / "store")  # folder of the Delta Lake table
    catalogue: Path = user_config_path(APP) / "catalogue"  # folder of one's own TOML files
    cache: Path = user_cache_path(APP)  # what can be made again, such as the simulated market


@cache
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
