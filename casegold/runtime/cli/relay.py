"""`casegold relay`: the process that announces published versions on Kafka."""

from __future__ import annotations

import click

from casegold.runtime.platform import open_platform
from casegold.sink.relay import relay_forever, relay_once


@click.command()
@click.option("--once", is_flag=True, help="Send what is waiting and end.")
def relay(once: bool) -> None:
    """Send outbox events to Kafka, at least once, in order; runs until it is stopped.

    \b
    Examples:
      casegold relay
      casegold relay --once
    """
    platform = open_platform()
    prefix = platform.settings.outbox_topic_prefix
    if once:
        sent = 0
        while batch := relay_once(platform.control, platform.kafka_config, prefix):
            sent += batch
        click.echo(f"relayed {sent} events")
        return
    click.echo(f"relaying to {platform.kafka_config['bootstrap.servers']}; stop with Ctrl-C")
    relay_forever(platform.control, platform.kafka_config, prefix, click.echo)


commands = (relay,)
