"""The settings of the server: name, default, meaning, and where the value in force comes from.

The command line goes before the environment (JETLRP_NAME), the environment before a TOML file
(``--settings FILE`` or JETLRP_SETTINGS), the file before the default.
"""

from __future__ import annotations

import ipaddress
import json
import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from lrp_core.errors import SettingsError
from lrp_core.padding import padding_text
from lrp_core.web_address import origin, path_below

PREFIX = "JETLRP_"
FILE_VARIABLE = f"{PREFIX}SETTINGS"
GIVEN, DEFAULT = "command line", "default"
MASKED = "********"
# Read by the tests and by the page's exports, not settings of the server.
OTHER_VARIABLES = {FILE_VARIABLE, f"{PREFIX}CHROMIUM", f"{PREFIX}STATE"}
OTHER_PREFIXES = (f"{PREFIX}REQUIRE_", f"{PREFIX}TEST_")


def _several(value: Any) -> Any:
    """Texts out of one text: as JSON, or with commas between them."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [part.strip() for part in value.split(",") if part.strip()]


def _text(value: Any) -> Any:
    """A number of a TOML file as the command line has it."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


# Several texts: a list in a file; in the environment "a, b", or a list as JSON.
Several = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_several)]


class Settings(BaseSettings):
    """Every setting of the server. Make one with ``read_settings``, which says what is wrong."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    # -- addresses
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8050, ge=0, le=65535, description="Port of the page; 0 takes a free one.")
    service_port: int = Field(
        8051, ge=0, le=65535, description="Port of the service where it runs alone."
    )
    root_path: str | None = Field(
        None,
        description="Path below which a proxy serves the page, such as /jetlrp/; none: the top.",
    )
    backend: str | None = Field(
        None, description="Address of a service that runs elsewhere, for a page without its own."
    )
    backend_seconds: float = Field(
        90.0, gt=0, description="How long the page waits for an answer of the service."
    )
    secret: SecretStr | None = Field(
        None,
        min_length=16,
        description="What page and service know together; the service then answers nobody else.",
    )

    # -- what is served
    jets: Several = Field(
        (), description="ROOT files of jets, or patterns of them; none: those that come along."
    )
    model: str | None = Field(
        None, description="Checkpoint of the network; none: the one that comes along."
    )
    definitions: str | None = Field(
        None, description="YAML file naming the network's columns; none: beside the checkpoint."
    )
    weights: str | None = Field(
        None,
        description="Which network, where the checkpoint holds several; none: the only one.",
    )
    tree: str | None = Field(None, description="Name of the TTree; none: found by itself.")
    column: Several = Field(
        (), description="Branches that hold standard columns, such as fj_pt=jet_pt."
    )
    padding: Annotated[str | None, BeforeValidator(_text)] = Field(
        None,
        description="What lists are filled up with to one length: zeros, nan, a number, or keep.",
    )

    # -- library
    library: str | None = Field(
        None, description="Folder of files of jets and checkpoints that people choose from."
    )
    files_open: int = Field(
        8, ge=1, le=1000, description="Files of jets that are kept open at the same time."
    )
    models_open: int = Field(
        4, ge=1, le=1000, description="Networks that are kept in memory at the same time."
    )
    uploads: str | None = Field(
        None, description="Folder that people's own files are kept in; none: nobody can upload."
    )
    upload_bytes: int = Field(
        500 * 2**20, ge=1, description="The largest file that can be uploaded, in bytes."
    )
    upload_quota_bytes: int = Field(
        2 * 2**30, ge=1, description="The most bytes of all uploaded files of one person."
    )
    upload_days: float = Field(
        14.0, gt=0, le=3650, description="After how many days an uploaded file is deleted."
    )

    # -- explanations
    cache_bytes: int = Field(
        256 * 2**20, ge=0, description="How many bytes of explanations are kept in memory."
    )
    cache_folder: str | None = Field(
        None,
        description="Folder that all processes keep explanations and scores in; none: memory only.",
    )
    disk_cache_bytes: int = Field(
        2 * 2**30, ge=0, description="How many bytes are kept in that folder; 0: none."
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
    score_chunk: int = Field(
        32, ge=1, description="How many jets are scored at a time, between explanations."
    )

    # -- who may use it
    auth: Literal["none", "token", "users", "proxy"] = Field(
        "none",
        description="Who is let in: none (everybody, on this machine only), token, users or proxy.",
    )
    token: SecretStr | None = Field(
        None, description="With auth = token: what people show; never on a command line."
    )
    token_file: str | None = Field(None, description="File that holds the token instead.")
    users_file: str | None = Field(
        None, description="With auth = users: the table that jetlrp users changes."
    )
    proxy_header: str = Field(
        "X-Forwarded-User",
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$",
        description="With auth = proxy: header in which the proxy tells the user's name.",
    )
    trusted_proxies: Several = Field(
        (),
        description="Addresses or networks of reverse proxies that may tell user, client, TLS and "
        "the path below which they serve the page.",
    )
    hosts: Several = Field(
        (),
        description="Names under which the server may be asked; none given: any, or with "
        "auth = none only those of this machine.",
    )
    frame_ancestors: Several = Field(
        (),
        description="Origins whose pages may show this one in a frame, such as "
        "https://wiki.example.org; none given: no page may.",
    )
    session_hours: float = Field(
        12.0, gt=0, le=24 * 366, description="How long a log-in holds, in hours."
    )

    # -- fair use
    requests_per_minute: float = Field(
        900.0,
        ge=1,
        description="Requests that a user may send in a minute, files of the page aside; "
        "eight pictures of panels count as one.",
    )
    explanations_per_minute: float = Field(
        120.0, ge=1, description="Explanations that a user may have computed in a minute."
    )
    waiting_each: int = Field(
        8, ge=1, le=30, description="Explanations of one user that may wait for their turn."
    )
    body_bytes: int = Field(
        2**20, ge=1024, description="Largest body of a request, in bytes; uploads have their own."
    )

    # -- seeing it run
    log_format: Literal["text", "json"] = Field(
        "text", description="Lines of the log: text for people, json for machines."
    )
    access_log: bool = Field(
        True, description="Whether a server for many logs every request of the page."
    )
    metrics_from: Several = Field(
        (),
        description="Addresses and networks that may read /metrics, beside this machine.",
    )

    # -- processes of a server for many
    production: bool = Field(
        False, description="Whether page and service run in processes of their own."
    )
    page_workers: int = Field(2, ge=1, le=64, description="Processes that answer for the page.")
    page_threads: int = Field(
        8, ge=1, le=256, description="Requests that each of them answers at the same time."
    )
    service_workers: int = Field(
        2, ge=1, le=64, description="Processes that explain jets; each loads the network."
    )
    torch_threads: int = Field(
        0, ge=0, le=1024, description="Threads of each for one jet; 0: cores divided by processes."
    )
    recycle_requests: int = Field(
        5000,
        ge=0,
        description="Requests after which a process is replaced, give or take a tenth; 0: never.",
    )
    worker_bytes: int = Field(
        3 * 2**30, ge=0, description="Memory at which a process that explains is replaced; 0: any."
    )
    hang_seconds: int = Field(
        120, ge=1, description="Silence after which a process is taken for dead and replaced."
    )
    stop_seconds: int = Field(
        30, ge=1, description="How long requests may take to end when processes stop or reload."
    )

    @field_validator("root_path")
    @classmethod
    def _is_path(cls, given: str | None) -> str | None:
        return path_below(given or "") or None

    @field_validator("frame_ancestors")
    @classmethod
    def _are_origins(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(origin(one) for text in given for one in text.split()))

    @field_validator("metrics_from")
    @classmethod
    def _are_networks(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for one in given:
            ipaddress.ip_network(one, strict=False)
        return given

    @field_validator("padding")
    @classmethod
    def _is_padding(cls, given: str | None) -> str | None:
        try:
            return padding_text(given)
        except SettingsError as error:
            raise ValueError(str(error).removeprefix("padding: ")) from error

    @property
    def secret_text(self) -> str | None:
        """The secret itself."""
        return None if self.secret is None else self.secret.get_secret_value()

    @property
    def toml(self) -> str:
        """A settings file that says the same, for processes that are begun. Secrets are in it."""
        lines = [
            f"{name} = {_as_toml(value)}\n"
            for name, field in type(self).model_fields.items()
            if (value := getattr(self, name)) != field.default
        ]
        return "".join(lines)


class FoundSettings(NamedTuple):
    """Settings, and where each comes from.

    settings  the settings
    origins   by name: "command line", "JETLRP_NAME", the path of the file, or "default"
    file      the settings file, or None
    """

    settings: Settings
    origins: dict[str, str]
    file: Path | None


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def environment_of(file: Path) -> dict[str, str]:
    """The variables of a process that is to go by a settings file and by nothing else."""
    return {variable_of(name): "" for name in Settings.model_fields} | {FILE_VARIABLE: str(file)}


def read_settings(*, file: str | Path | None = None, **given: Any) -> Settings:
    """The settings: what is given and is not None, else the environment, the file, the default.

    file  a TOML file; else the one that JETLRP_SETTINGS names, if it does
    Raises SettingsError naming each setting that is not possible, its value and where it is from.
    """
    return settings_in_force(file=file, **given).settings


def settings_in_force(*, file: str | Path | None = None, **given: Any) -> FoundSettings:
    """The same with where each setting comes from."""
    chosen = {name: value for name, value in given.items() if value is not None}
    path = _file(file)
    from_file = _read_file(path) if path else {}
    variables = {name.upper() for name, value in os.environ.items() if value}
    origins = dict.fromkeys(Settings.model_fields, DEFAULT)
    for name in origins:
        if name in chosen:
            origins[name] = GIVEN
        elif variable_of(name) in variables:
            origins[name] = variable_of(name)
        elif name in from_file:
            origins[name] = str(path)
            chosen[name] = from_file[name]
    try:
        return FoundSettings(Settings(**chosen), origins, path)
    except ValidationError as error:
        problems = [_told(item, origins) for item in error.errors()]
        raise SettingsError(
            f"{'; '.join(problems)} (settings come from the command line, from the environment "
            f"as {PREFIX}NAME, or from a TOML file)"
        ) from error


def settings_table(in_force: FoundSettings) -> list[tuple[str, str, str]]:
    """A row per setting: name, value and where it comes from. Secrets are masked."""
    return [
        (name, _as_text(getattr(in_force.settings, name)) or "-", origin)
        for name, origin in in_force.origins.items()
    ]


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """What looks like a setting in the environment and is none, each with what may be meant."""
    known = {variable_of(name) for name in Settings.model_fields} | OTHER_VARIABLES
    return [
        f"{name}{_instead(name, known)}"
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known and not name.startswith(OTHER_PREFIXES)
    ]


def _file(file: str | Path | None) -> Path | None:
    """The settings file that is to be read, if any."""
    named = file or os.environ.get(FILE_VARIABLE)
    return Path(named).absolute() if named else None


def _read_file(path: Path) -> dict[str, Any]:
    """What a settings file sets. Raises SettingsError if it cannot be read or knows too much."""
    try:
        found = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(
            f"{path}: the settings file cannot be read ({error.strerror}); give a TOML file"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path}: this is not TOML ({error}); expected lines such as port = 8050"
        ) from error
    known = set(Settings.model_fields)
    unknown = [f"{name}{_instead(name, known)}" for name in found if name not in known]
    if unknown:
        raise SettingsError(
            f"{path}: there is no setting {', '.join(unknown)}; "
            "`jetlrp settings` lists all there are"
        )
    return found


def _instead(name: str, known: set[str]) -> str:
    near = get_close_matches(name, sorted(known), n=2, cutoff=0.6)
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def _told(item: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    """What is wrong with one setting; a secret is not repeated."""
    name = str(item["loc"][0]) if item["loc"] else "settings"
    field = Settings.model_fields.get(name)
    secret = field is not None and "SecretStr" in str(field.annotation)
    found = MASKED if secret else repr(item["input"])
    return f"{name} = {found} ({origins.get(name, GIVEN)}): {item['msg']}"


def _as_toml(value: Any) -> str:
    """A value as a settings file holds it; None is not among them."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _as_text(value: Any) -> str:
    """A value as the environment would hold it; what is secret is not shown."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return MASKED
    if isinstance(value, tuple):
        return json.dumps(list(value)) if value else ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
