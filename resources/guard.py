"""Protects the web server from requests of other sites: it accepts only its own pages and its own host names.

The server has no users. It listens on the loopback interface, which any page that a person opens can reach through
that person's browser: by a form, by an image whose address is a GraphQL mutation, by a WebSocket, or under a host name
that resolves to 127.0.0.1 (DNS rebinding). Not here: Dagster.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ASKING_ONLY = frozenset({"GET", "HEAD", "OPTIONS"})
FOREIGN_SITES = frozenset({"cross-site", "same-site"})
"""Refused values of the header Sec-Fetch-Site, which browsers set and pages cannot."""

_HEADERS = {"X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin"}
"""No other page may show this one in a frame, or load its responses as images or scripts."""


class Guard:
    """ASGI middleware that refuses requests which another site may have sent."""

    def __init__(self, app: ASGIApp, addresses: Iterable[str] = ()) -> None:
        """Guard an app.

        Args:
            addresses: its public addresses behind a reverse proxy, such as https://casegold.example.org.
        """
        self.app = app
        self.proxies = frozenset(urlsplit(address).netloc.lower() for address in addresses)
        self.names = {*LOOPBACK, *(_name(netloc) for netloc in self.proxies)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        why_not = self.refusal(scope)
        if why_not is None:
            await self.app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": why_not})
        else:
            await PlainTextResponse(f"refused: {why_not}\n", status_code=403)(scope, receive, send)

    def refusal(self, scope: Scope) -> str | None:
        """Why a request is refused; None if it is allowed."""
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        if len(headers.getlist("host")) != 1 or _name(host) not in self.names:
            return "the header Host names another server"
        if scope["type"] == "http" and scope["method"] in ASKING_ONLY:
            return _hidden_mutation(scope)
        origins = headers.getlist("origin")
        if any(not self._is_own(origin, host) for origin in origins):
            return "the header Origin names another site"
        if headers.get("sec-fetch-site") in FOREIGN_SITES:
            return "another site sent this request"
        return None

    def _is_own(self, origin: str, host: str) -> bool:
        parts = urlsplit(origin.lower())
        return parts.scheme in ("http", "https") and parts.netloc in {host, *self.proxies}


def _hidden_mutation(scope: Scope) -> str | None:
    """Refuse GraphQL by GET: Dagster executes such mutations, and an image request has no Origin header."""
    asked = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return "GraphQL is asked by POST" if scope["path"].endswith("/graphql") and "query" in asked else None


def _name(netloc: str) -> str:
    """The host of `name:port` or `[::1]:port`; empty if it is malformed."""
    try:
        return urlsplit(f"//{netloc}").hostname or ""
    except ValueError:
        return ""


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(_HEADERS)
        await send(message)

    return sending
