"""The settings of the server: name, default, meaning. The environment sets them as JETLRP_NAME."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lrp_core.errors import SettingsError

PREFIX = "JETLRP_"


class Settings(BaseSettings):
    """Every setting of the server. Make one with ``read_settings``, which says what is wrong."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True)

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8050, ge=0, le=65535, description="Port of the page; 0 takes a free one.")
    service_port: int = Field(
        8051, ge=0, le=65535, description="Port of the service where it runs alone."
    )
    cache_bytes: int = Field(
        256 * 2**20, ge=0, description="How many bytes of explanations are kept in memory."
    )
    explanations_at_once: int = Field(
        1, ge=1, le=64, description="How many explanations are computed at the same time."
    )
    explanations_waiting: int = Field(
        30, ge=0, le=30, description="How many more may wait for their turn before one is refused."
    )
    explanation_seconds: float = Field(
        60.0, gt=0, description="How long a request waits for its explanation."
    )
    backend_seconds: float = Field(
        90.0, gt=0, description="How long the page waits for an answer of the service."
    )
    score_chunk: int = Field(
        32, ge=1, description="How many jets are scored at a time, between explanations."
    )


def read_settings(**given: Any) -> Settings:
    """The settings: what is given and is not None, else the environment, else the default.

    Raises SettingsError naming each setting that is not possible and the value found.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in item['loc'])} = {item['input']!r}: {item['msg']}"
            for item in error.errors()
        ]
        raise SettingsError(
            f"{'; '.join(problems)} (settings come from the command line or the environment, "
            f"as {PREFIX}NAME)"
        ) from error
