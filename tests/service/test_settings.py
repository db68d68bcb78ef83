"""The settings: defaults, the environment, and what is said about impossible ones."""

from __future__ import annotations

import pytest

from lrp_core.errors import SettingsError
from lrp_core.settings import PREFIX, Settings, read_settings


def test_defaults_are_those_of_a_laptop() -> None:
    settings = read_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8050)
    assert settings.service_port != settings.port


def test_given_goes_before_environment_before_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}PORT", "9000")
    monkeypatch.setenv(f"{PREFIX}CACHE_BYTES", "1000")
    settings = read_settings(port=9001, host=None)
    assert (settings.port, settings.cache_bytes, settings.host) == (9001, 1000, "127.0.0.1")


def test_what_is_impossible_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}CACHE_BYTES", "much")
    with pytest.raises(SettingsError, match=r"port = 70000.*cache_bytes = 'much'.*JETLRP_"):
        read_settings(port=70000)


def test_every_setting_says_what_it_is() -> None:
    assert all(setting.description for setting in Settings.model_fields.values())
