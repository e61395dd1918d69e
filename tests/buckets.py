"""A local object store that speaks S3, and that fails when it is told to."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

REGION = "us-east-1"
SECRET = "a-secret-key-9f2b7c"  # noqa: S105 - nobody may read it in an error, a log or a page
CODES = {500: "InternalError", 503: "SlowDown", 403: "InvalidAccessKeyId"}
WORDS = {500: "Internal Server Error", 503: "Service Unavailable", 403: "Forbidden"}


@dataclass(frozen=True)
class Request:
    """What a client asks for."""

    method: str
    path: str  # /BUCKET/KEY


Fault = Callable[[Request], int | None]  # the status that is answered; None: as it should be


def fine(_: Request) -> None:
    """Fail nothing."""


@dataclass
class ObjectStore:
    """A server on this machine, before whose buckets stand the faults of a test."""

    port: int = 0
    fault: Fault = fine
    lost: Fault = fine  # the same, once it is done what was asked for
    asked: list[Request] = field(default_factory=list)
    refused: int = 0  # requests that were answered with a fault
    bucket: str = ""  # of the test that runs
    is_old: bool = False  # as servers that do not know If-None-Match
    _writing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to use it."""
        return {
            "AWS_ACCESS_KEY_ID": "an-id",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "2",
        }

    @cached_property
    def client(self) -> Any:
        """Boto's own, to look into a bucket past everything of ours."""
        return boto3.client(
            "s3",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name=REGION,
            aws_access_key_id="an-id",
            aws_secret_access_key=SECRET,
        )

    def new_bucket(self) -> None:
        """Make an empty one, and fail nothing from here on."""
        self.bucket, self.fault, self.lost, self.is_old = (
            f"bucket-{uuid.uuid4().hex[:12]}",
            fine,
            fine,
            False,
        )
        self.client.create_bucket(Bucket=self.bucket)

    def address(self, key: str) -> str:
        """Return how one names a folder or an object of the bucket."""
        return f"s3://{self.bucket}/{key}"

    def names(self, within: str = "") -> list[str]:
        """Return what lies in the bucket, or in a folder of it."""
        pages = self.client.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.bucket, Prefix=within)
        return [each["Key"] for page in found for each in page.get("Contents", ())]

    def read(self, key: str) -> bytes:
        """Return an object."""
        content: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content

    def put(self, key: str, content: bytes) -> None:
        """Write an object."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content)

    def answer(self, application: Any) -> Any:
        """Return a WSGI application with the faults before it."""

        def answer_one(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            asked = Request(environ["REQUEST_METHOD"], environ["PATH_INFO"])
            self.asked.append(asked)
            if self.is_old:
                environ.pop("HTTP_IF_NONE_MATCH", None)
            status, was_done = self.fault(asked), False
            if status is None and asked.method == "PUT":
                status = self.lost(asked)
                answered = start_response if status is None else lambda *_: None
                with self._writing:  # moto looks whether there is one, and then writes
                    done = list(application(environ, answered))
                if status is None:
                    return done
                was_done = True
            elif status is None:
                answer: Iterable[bytes] = application(environ, start_response)
                return answer
            self.refused += 1
            if not was_done:
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            code = CODES[status]
            content = f"<Error><Code>{code}</Code><Message>{code}!</Message></Error>".encode()
            headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(content)))]
            start_response(f"{status} {WORDS[status]}", headers)
            return [] if asked.method == "HEAD" else [content]

        return answer_one


class Silent(WSGIRequestHandler):
    """Writes no line a request."""

    def log(self, *_: Any) -> None:
        """Do nothing."""


@contextmanager
def serving() -> Iterator[ObjectStore]:
    """Serve an object store during this block."""
    store = ObjectStore()
    application = store.answer(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Silent)
    store.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
