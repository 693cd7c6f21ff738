"""`casegold relay`: the process that announces published versions on Kafka."""

from __future__ import annotations

import click

from casegold.runtime.platform import open_platform
from casegold.sink.relay import forget_deliveries, relay_forever, relay_once


@click.command()
@click.option("--once", is_flag=True, help="Send all waiting events, then end.")
@click.option("--again", metavar="TOPIC", help="TOPIC has lost its events: mark them as unsent, and end.")
def relay(once: bool, again: str | None) -> None:
    """Send the events of the outbox to Kafka, in order and at least once, until you stop it.

    \b
    Examples:
      casegold relay
      casegold relay --once
      casegold relay --again TOPIC
    """
    platform = open_platform()
    prefix = platform.settings.outbox_topic_prefix
    if again is not None:
        count = forget_deliveries(platform.control, again)
        click.echo(f"the relay sends {count} events to {again} again, with the same ids")
        return
    if once:
        sent = 0
        while batch := relay_once(platform.control, platform.kafka_config, prefix):
            sent += batch
        click.echo(f"relayed {sent} events")
        return
    click.echo(f"relaying to {platform.kafka_config['bootstrap.servers']}; stop with Ctrl-C")
    relay_forever(platform.control, platform.kafka_config, prefix, click.echo)


commands = (relay,)
