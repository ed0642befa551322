"""It starts in an empty folder, stops, and finds everything again."""

import json
import urllib.request

from portal.demo.client import Client
from tests.journeys.live import Portal


def test_it_finds_everything_again_after_a_stop():
    portal = Portal()
    try:
        portal.start()
        builder = next(person for person in portal.make_people() if person["role"] == "builder")
        client = Client(portal.address, builder["organization"], builder["token"])
        answers = {question["name"]: False for question in client.get("risk-questions/")["results"]}
        client.post("projects/", name="Loans", purpose="Decide about loans.", answers=answers)
        portal.stop()
        portal.start()
        assert client.get("projects/loans/")["name"] == "Loans"
    finally:
        portal.close()


def test_it_tells_that_it_is_ready(portal):
    with urllib.request.urlopen(f"{portal.address}/health/ready") as answer:
        assert json.load(answer) == {"status": "ready"}
