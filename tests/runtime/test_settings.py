"""Settings: what is refused, what follows from them, and that their page is up to date."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from casegold.cli.settings import commands
from casegold.domain.errors import ConfigurationError, ExitClass, SourceUnavailable
from casegold.reference.settings_page import page
from casegold.runtime.settings import IDLE_SECONDS, LOCK_SECONDS, Settings, load_settings
from casegold.runtime.shipped import REPOSITORY
from casegold.servers.local import keep_private

URL = "postgresql://user:p%40ss@db.example:5432/cases?sslmode=require"


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("CASEGOLD_TIME_ZNE", "UTC", "CASEGOLD_TIME_ZNE"),
        ("CASEGOLD_TIME_ZONE", "Mars/Olympus", "CASEGOLD_TIME_ZONE"),
        ("CASEGOLD_TIME_ZONE", "/etc/passwd", "CASEGOLD_TIME_ZONE"),
        ("CASEGOLD_BUSINESS_CLOCK", "2026-01-01T00:00:00", "CASEGOLD_BUSINESS_CLOCK"),
        ("CASEGOLD_FIRST_DATE", "soon", "CASEGOLD_FIRST_DATE"),
        ("CASEGOLD_POSTGRES_URL", "mysql://x/y", "CASEGOLD_POSTGRES_URL"),
        ("CASEGOLD_EVENTS_PARTITIONS", "0", "CASEGOLD_EVENTS_PARTITIONS"),
        ("CASEGOLD_EVENTS_TOPIC", "with space", "CASEGOLD_EVENTS_TOPIC"),
        ("CASEGOLD_DUCKDB_MEMORY_LIMIT", "much", "CASEGOLD_DUCKDB_MEMORY_LIMIT"),
        ("CASEGOLD_MAVEN_URL", "file:///tmp", "CASEGOLD_MAVEN_URL"),
        ("CASEGOLD_HOME", "", "CASEGOLD_HOME: .*is empty"),
        ("CASEGOLD_KAFKA_SECURITY_PROTOCOL", "SASL_SSL", "CASEGOLD_KAFKA_SASL_MECHANISM"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, named: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=named) as refused:
        load_settings()
    assert refused.value.exit_class is ExitClass.CONFIGURATION
    assert refused.value.remedy


def test_a_refused_password_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEGOLD_POSTGRES_URL", "mysql://user:hunter2@h/d")
    with pytest.raises(ConfigurationError) as refused:
        load_settings()
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(Settings(postgres_url="postgresql://user:hunter2@h/d"))


def test_one_database_has_a_schema_for_each_of_its_three_users() -> None:
    settings = Settings(postgres_url=URL)
    for url, schema, driver in (
        (settings.control_url(), "casegold", "postgresql"),
        (settings.dagster_url(), "dagster", "postgresql"),
        (settings.catalog_url(), "iceberg", "postgresql+psycopg2"),
    ):
        parsed = make_url(url)
        assert (parsed.drivername, parsed.password, parsed.database) == (driver, "p@ss", "cases")
        assert parsed.query["sslmode"] == "require"
        limits = f" -cidle_in_transaction_session_timeout={IDLE_SECONDS}s -clock_timeout={LOCK_SECONDS}s"
        impatient = "" if schema == "dagster" else limits
        assert parse_qs(urlsplit(url).query)["options"] == [f"-csearch_path={schema} -ctimezone=UTC{impatient}"]
        assert "+" not in urlsplit(url).query


def test_without_servers_the_remedy_is_up(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    for ask in (settings.control_url, settings.dagster_url, settings.catalog_url, settings.kafka_config):
        with pytest.raises(SourceUnavailable, match="casegold up"):
            ask()


def test_kafka_log_in(tmp_path: Path) -> None:
    settings = Settings(
        kafka_bootstrap="k:9093",
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="casegold",
        kafka_sasl_password=SecretStr("secret"),
        kafka_ssl_ca_location=tmp_path / "ca.pem",
    )
    assert settings.kafka_config() == {
        "bootstrap.servers": "k:9093",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "casegold",
        "sasl.password": "secret",
        "ssl.ca.location": str(tmp_path / "ca.pem"),
    }


def test_the_warehouse_is_a_url(tmp_path: Path) -> None:
    assert Settings(home=tmp_path).warehouse_url() == f"file://{tmp_path}/warehouse"
    assert Settings(warehouse="s3://lake/cases/").warehouse_url() == "s3://lake/cases"


def test_nobody_else_may_read_the_home_directory(tmp_path: Path) -> None:
    for home in (tmp_path / "new" / "home", tmp_path / "open"):
        if home.name == "open":
            home.mkdir()
            home.chmod(0o755)
        keep_private(home)
        assert home.stat().st_mode & 0o066 == 0
        keep_private(home)


def test_the_page_of_settings_is_up_to_date() -> None:
    written = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == page(), "run `make settings`"


def test_the_command_shows_values_and_their_origin_without_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEGOLD_POSTGRES_URL", "postgresql://me:hidden@db.example:5432/cases?password=hidden")
    monkeypatch.setenv("CASEGOLD_KAFKA_SASL_PASSWORD", "hidden")
    shown = CliRunner().invoke(commands[0], catch_exceptions=False).output
    assert "hidden" not in shown
    assert "CASEGOLD_POSTGRES_URL=postgresql://db.example:5432/cases\n" in shown
    assert "CASEGOLD_TIME_ZONE=UTC  (default)\n" in shown
    assert all(f"CASEGOLD_{name.upper()}=" in shown for name in Settings.model_fields)
