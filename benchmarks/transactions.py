"""`python -m benchmarks.transactions`: how much the connection pool saves per transaction of the control database."""

from __future__ import annotations

import time

import click

from benchmarks.servers import own_servers
from casegold.cli.tables import show
from casegold.control import pool
from casegold.control.db import ControlDb

ROUNDS = 5
TRANSACTIONS = 400


@click.command()
def main() -> None:
    """Measure short sequential transactions: five rounds of each kind in turn, the best round of each."""
    with own_servers() as settings:
        url = settings.control_url()
        kinds = {"new connection each time": False, "from the pool": True}
        best = dict.fromkeys(kinds, 0.0)
        for _ in range(ROUNDS):
            for name, pooled in kinds.items():
                best[name] = max(best[name], per_second(ControlDb(url, pooled=pooled)))
        pool.close()
    found = [(name, f"{rate:,.0f}", f"{1000 / rate:.2f}") for name, rate in best.items()]
    show("Short transactions", ("connection", "transactions/s#", "ms#"), found, empty="")


def per_second(control: ControlDb) -> float:
    """Transactions per second, half of which lock rows and commit."""
    begun = time.perf_counter()
    for number in range(TRANSACTIONS // 2):
        control.rows("select * from setting")
        with control.write("benchmark") as connection:
            connection.execute("select %(n)s from setting for update", {"n": number})
    return TRANSACTIONS / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
