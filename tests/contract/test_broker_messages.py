"""Whatever lies in the worker's queue, the worker goes on; nothing of it is in the log."""

import base64
import json
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from django.conf import settings
from kombu import Queue
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from config.celery import app
from core.broker.transport import LONGEST_QUEUE
from orders.outbox.wakeup import DELIVER_TASK
from products.factories import ProductFactory
from tests.kit import processes
from tests.kit.platforms import is_delivered, recorder
from tests.kit.processes import until

pytestmark = pytest.mark.redis
MARK = "s3cr3t"
BODY = base64.b64encode(json.dumps([[], {}, {}]).encode()).decode()
HEADERS = {"lang": "py", "task": DELIVER_TASK, "id": "1", "root_id": "1", "argsrepr": MARK}
PROPERTIES = {
    "correlation_id": "1",
    "delivery_mode": 2,
    "delivery_info": {"exchange": "", "routing_key": "celery"},
    "priority": 0,
    "body_encoding": "base64",
    "delivery_tag": "1",
}


def message(**changed: object) -> dict[str, object]:
    """One as Celery sends it, with some of it changed."""
    usual = {
        "body": BODY,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": HEADERS,
        "properties": PROPERTIES,
    }
    return {name: value for name, value in {**usual, **changed}.items() if value is not None}


def of_body(body: object) -> dict[str, object]:
    return message(body=base64.b64encode(json.dumps(body).encode()).decode())


MALFORMED: dict[str, dict[str, object]] = {
    "no message": {
        "no JSON": f"{MARK} {{",
        "no text": b"\xff\xfe\x00" + MARK.encode(),
        "nothing": "",
        "deep": "[" * 100_000,
        "a list": [MARK],
        "a number": 1,
        "null": None,
        "text": MARK,
        "an empty object": {},
    },
    "properties and headers": {
        "no properties": message(properties=None),
        "properties that are none": message(properties=MARK),
        "no delivery tag": message(properties={MARK: 1}),
        "a delivery tag of null": message(properties={**PROPERTIES, "delivery_tag": None}),
        "a delivery tag that is no text": message(properties={**PROPERTIES, "delivery_tag": {MARK: [1]}}),
        "no headers": message(headers=None),
        "headers that are none": message(headers=[MARK]),
        "no task": message(headers={"id": MARK}),
        "no id": message(headers={"task": DELIVER_TASK}),
        "an unknown task": message(headers={**HEADERS, "task": MARK}),
        "an unknown task without an id": message(headers={"task": MARK}),
        "a task that is no text": message(headers={**HEADERS, "task": [MARK]}),
        "an id that is no text": message(headers={**HEADERS, "id": {MARK: 1}}),
    },
    "bodies": {
        "no body": message(body=None),
        "a body that is no text": message(body=[MARK]),
        "no base64": message(body=MARK + "!"),
        "an unknown body encoding": message(properties={**PROPERTIES, "body_encoding": MARK}),
        "no content type": message(**{"content-type": None}),
        "a wrong content type": message(**{"content-type": "application/x-python-serialize"}),
        "an unknown content type": message(**{"content-type": MARK}),
        "an unknown content encoding": message(**{"content-encoding": MARK}),
        "an unknown compression": message(headers={**HEADERS, "compression": MARK}),
        "a body of a number": of_body(1),
        "a body of text": of_body(MARK),
        "a body too short": of_body([[]]),
        "a body of wrong things": of_body([MARK, MARK, MARK]),
        "a body of null": of_body(None),
        "arguments that nobody takes": of_body([[MARK], {MARK: 1}, {}]),
        "callbacks that are none": of_body(
            [[], {}, {"callbacks": [MARK], "errbacks": 1, "chain": 1, "chord": MARK}]
        ),
        "the first protocol, half": message(headers={}, body=base64.b64encode(b'{"task": 1}').decode()),
        "the first protocol, of another task": message(
            headers={}, body=base64.b64encode(json.dumps({"task": MARK, "id": "1"}).encode()).decode()
        ),
    },
    "options": {
        "an expiry that is none": message(headers={**HEADERS, "expires": MARK}),
        "an expiry of another kind": message(headers={**HEADERS, "expires": [MARK]}),
        "an hour that is none": message(headers={**HEADERS, "eta": MARK}),
        "an hour that no clock shows": message(headers={**HEADERS, "eta": "9999-12-31T23:59:59+00:00"}),
        "limits that are none": message(headers={**HEADERS, "timelimit": [MARK, MARK]}),
        "limits of another kind": message(headers={**HEADERS, "timelimit": MARK}),
        "negative limits": message(headers={**HEADERS, "timelimit": [-1, -1]}),
        "retries that are none": message(headers={**HEADERS, "retries": MARK}),
        "a group of another kind": message(
            headers={**HEADERS, "group": {MARK: 1}, "stamps": 1, "stamped_headers": 1}
        ),
        "a reply to nowhere": message(
            properties={**PROPERTIES, "reply_to": [MARK], "correlation_id": {MARK: 1}}
        ),
        "an exchange that is none": message(properties={**PROPERTIES, "delivery_info": MARK}),
        "huge": of_body([[MARK * 3_000_000], {}, {}]),
    },
}


@pytest.fixture(scope="module")
def delivering(django_db_setup, django_db_blocker, logs) -> "Iterator[subprocess.Popen[bytes]]":
    """A worker without beat, so that a message alone wakes it."""
    counters = {"PROMETHEUS_MULTIPROC_DIR": str(logs)}
    with (
        django_db_blocker.unblock(),
        recorder() as platform,
        processes.worker(
            log=logs / "worker.log", beat=False, DATA_PLATFORM_URL=platform.url, **counters
        ) as worker,
    ):
        yield worker


def counted(folder: Path) -> float:
    """Messages that the worker's processes have discarded."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return registry.get_sample_value("shop_broker_messages_discarded_total") or 0


def push(raw: object) -> None:
    """Put it into the worker's queue, behind Celery's back."""
    text = raw if isinstance(raw, str | bytes) else json.dumps(raw)
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        broker.lpush("celery", text)


@pytest.mark.parametrize("kind", MALFORMED)
def test_worker_delivers_after_each_malformed_message(kind, http, buyer, delivering, logs):
    product, before = ProductFactory(price=1, stock=100), len((logs / "worker.log").read_bytes())
    for name, raw in MALFORMED[kind].items():
        push(raw)
        order = http.order(buyer, {product.pk: 1}).json
        assert until(lambda order=order: is_delivered(order), seconds=15), name
    said = (logs / "worker.log").read_text()[before:]
    assert MARK not in said
    assert "Traceback" not in said
    assert len(said) < 2000 * len(MALFORMED[kind])


def test_redis_key_in_the_queue_s_place_is_discarded_by_the_worker(http, buyer, delivering, logs):
    before = len((logs / "worker.log").read_bytes())
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        broker.delete("celery")
        broker.set("celery", MARK)
        assert until(lambda: broker.type("celery") in {b"none", b"list"}, seconds=15)
    order = http.order(buyer, {ProductFactory(price=1).pk: 1}).json
    assert until(lambda: is_delivered(order), seconds=15)
    said = (logs / "worker.log").read_text()[before:]
    assert MARK not in said
    assert said.count("message_discarded") == 1
    assert len(said) < 10_000


@pytest.mark.parametrize("key", ["_kombu.binding.celery", "_kombu.binding_permanent.celery"])
def test_redis_key_in_a_binding_s_place_does_not_stop_wake_ups(http, key):
    with app.connection_for_write() as connection:
        broker = connection.default_channel.client
        broker.set(key, MARK)
        app.send_task(DELIVER_TASK, connection=connection, retry=False, ignore_result=True)
        assert broker.type(key) == b"set"


def test_worker_acknowledges_nothing_and_remembers_nothing(http, buyer, delivering, logs):
    """Redis's keys of unacknowledged messages may hold anything; a tag a message would fill the memory."""
    before = len((logs / "worker.log").read_bytes())
    keys = ("unacked", "unacked_index", "unacked_mutex")
    with redis.Redis.from_url(settings.REDIS_URL) as broker, app.connection_for_read() as connection:
        broker.mset(dict.fromkeys(keys, MARK))
        order = http.order(buyer, {ProductFactory(price=1).pk: 1}).json
        assert until(lambda: is_delivered(order), seconds=15)
        connection.default_channel.basic_ack("a tag")
        assert not connection.default_channel.qos._dirty
        assert broker.delete(*keys) == len(keys)
    assert (logs / "worker.log").read_text()[before:].count("Couldn't ack") == 0


def test_worker_takes_no_remote_commands(http, buyer, delivering):
    """One could stop the deliveries for good, while the worker looks well."""
    http.order(buyer, {ProductFactory(price=1).pk: 1})
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        database = broker.connection_pool.connection_kwargs.get("db", 0)
        command = {"method": "cancel_consumer", "arguments": {"queue": "celery"}, "destination": None}
        assert broker.publish(f"/{database}.celery.pidbox", json.dumps(message(body=command))) == 0
        assert broker.pubsub_channels("*") == []


def test_compressed_message_is_not_inflated(http, buyer, delivering, logs):
    """Of 400 kB a worker would make 300 MB."""
    squeezed = base64.b64encode(zlib.compress(bytes(300 << 20), 9)).decode()
    push(message(body=squeezed, headers={**HEADERS, "compression": "application/x-gzip"}))
    order = http.order(buyer, {ProductFactory(price=1).pk: 1}).json
    until(lambda: is_delivered(order), seconds=15)
    status = Path(f"/proc/{delivering.pid}/status").read_text()
    assert int(status.partition("VmHWM:")[2].split()[0]) << 10 < 300 << 20


def test_discarded_message_is_logged_and_counted_once(http, buyer, delivering, logs):
    before, size = counted(logs), len((logs / "worker.log").read_bytes())
    push(f"{MARK} {{")
    order = http.order(buyer, {ProductFactory(price=1).pk: 1}).json
    until(lambda: is_delivered(order), seconds=15)
    assert (logs / "worker.log").read_text()[size:].count("message_discarded") == 1
    assert counted(logs) == before + 1
    assert '"why": "Empty"' not in (logs / "worker.log").read_text()


def test_queue_without_a_reader_keeps_the_newest_messages_only():
    with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
        queue = f"test-{uuid4()}"
        for number in range(LONGEST_QUEUE + 50):
            producer.publish(
                number, routing_key=queue, exchange="", declare=[Queue(queue)], serializer="json"
            )
        client = connection.default_channel.client
        kept = [json.loads(base64.b64decode(json.loads(raw)["body"])) for raw in client.lrange(queue, 0, -1)]
        client.delete(queue)
    assert kept == list(range(LONGEST_QUEUE + 49, 49, -1))
