"""Open-loop load: a fixed rate, keep-alive and fresh connections, no retries, every request with an id."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Sent:
    """One request's line in the client's ledger; status 0 means that no answer came."""

    request_id: str
    status: int
    version: str
    seconds: float
    error: str


@dataclass
class Load:
    """Requests at ``rate`` a second from ``clients`` threads, half of them on kept connections; use as a context."""

    url: str
    body: dict[str, Any]
    rate: float
    clients: int = 8
    ledger: list[Sent] = field(default_factory=list)

    def __enter__(self) -> Load:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._client, args=(index,)) for index in range(self.clients)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=60)

    def statuses(self) -> Counter[int]:
        """How many requests ended with each status."""
        return Counter(sent.status for sent in self.ledger)

    def failed(self) -> list[Sent]:
        """Every request that was not answered with 200."""
        return [sent for sent in self.ledger if sent.status != 200]

    def _client(self, index: int) -> None:
        interval, keep = self.clients / self.rate, index % 2 == 0
        due = time.monotonic() + interval * index / self.clients
        connection: http.client.HTTPConnection | None = None
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due += interval
            connection = connection if keep and connection else self._connect()
            sent = self._send(connection)
            self.ledger.append(sent)
            if not keep or sent.status == 0:
                connection.close()
                connection = None

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        return http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=30)

    def _send(self, connection: http.client.HTTPConnection) -> Sent:
        request_id, began = uuid.uuid4().hex, time.monotonic()
        headers = {"Content-Type": "application/json", "X-Request-ID": request_id}
        try:
            connection.request("POST", urlsplit(self.url).path, json.dumps(self.body), headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            return Sent(request_id, 0, "", time.monotonic() - began, repr(error))
        version = answer.headers.get("X-Model-Version", "")
        return Sent(request_id, answer.status, version, time.monotonic() - began, "")
