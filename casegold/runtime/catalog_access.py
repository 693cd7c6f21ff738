"""The configuration with which an external engine reads the Iceberg catalog under a person's login, without password.

Not here: what a reader may see (`control.migrations`, 0004), and access to the files, which the storage controls.
"""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit

import yaml

from casegold.runtime.settings import Settings
from casegold.sink.lake import CATALOG_NAME


def pyiceberg(settings: Settings, login: str) -> str:
    """The contents of `~/.pyiceberg.yaml`."""
    url = settings.reader_url(login).replace("postgresql://", "postgresql+psycopg2://", 1)
    catalog = {
        "type": "sql",
        "uri": url,
        "warehouse": settings.warehouse_url(),
        # By default PyIceberg creates its tables at every start, which a reader may not.
        "init_catalog_tables": "false",
    }
    return yaml.safe_dump({"catalog": {CATALOG_NAME: catalog}}, sort_keys=False, width=1000)


def spark(settings: Settings, login: str) -> str:
    """Lines of `spark-defaults.conf`."""
    url = urlsplit(settings.reader_url(login))
    shared = "".join(
        f"&{name}={quote(values[-1])}" for name, values in parse_qs(url.query).items() if name != "options"
    )
    prefix = f"spark.sql.catalog.{CATALOG_NAME}"
    lines = {
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
        prefix: "org.apache.iceberg.spark.SparkCatalog",
        f"{prefix}.type": "jdbc",
        f"{prefix}.uri": f"jdbc:postgresql://{url.netloc.rpartition('@')[2]}{url.path}?currentSchema=iceberg{shared}",
        f"{prefix}.jdbc.user": login,
        f"{prefix}.jdbc.schema-version": "V1",
        f"{prefix}.jdbc.init-catalog-tables": "false",
        f"{prefix}.warehouse": settings.warehouse_url(),
        f"{prefix}.cache-enabled": "false",
        "spark.sql.session.timeZone": "UTC",
    }
    return "".join(f"{name} {value}\n" for name, value in lines.items())


ENGINES = {"pyiceberg": pyiceberg, "spark": spark}
