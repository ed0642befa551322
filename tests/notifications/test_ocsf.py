"""Every event of the record is what OCSF 1.3.0 asks of its class.

The table holds what github.com/ocsf/ocsf-schema requires (events/, objects/ and includes/ of the classes used): which
attributes, which activities with their captions, and of which attributes an object needs at least one."""

import pytest
from django.utils import timezone

from apps.audits.events import Event
from apps.audits.models import Record
from apps.notifications import ocsf

REQUIRED = {"activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"}
OTHER = {0: "Unknown", 99: "Other"}
CRUD = {1: "Create", 2: "Read", 3: "Update", 4: "Delete"}
CLASSES = {  # class_uid: (name, category_uid, category, more that is required, activities)
    3001: ("Account Change", 3, "Identity & Access Management", {"user"}, {
        1: "Create", 2: "Enable", 3: "Password Change", 4: "Password Reset", 5: "Disable", 6: "Delete",
        7: "Attach Policy", 8: "Detach Policy", 9: "Lock", 10: "MFA Factor Enable", 11: "MFA Factor Disable"}),
    3002: ("Authentication", 3, "Identity & Access Management", {"user", "service"}, {
        1: "Logon", 2: "Logoff", 3: "Authentication Ticket", 4: "Service Ticket Request", 5: "Service Ticket Renew",
        6: "Preauth"}),
    3004: ("Entity Management", 3, "Identity & Access Management", {"entity"}, CRUD),
    6003: ("API Activity", 6, "Application Activity", {"actor", "api", "src_endpoint"}, CRUD),
}  # fmt: skip
OBJECTS = {  # attribute: (required, at least one of)
    "metadata": ({"product", "version"}, set()),
    "actor": (set(), {"process", "user", "invoked_by", "session", "app_name", "app_uid"}),
    "user": (set(), {"account", "name", "uid"}),
    "entity": (set(), {"name", "uid"}),
    "api": ({"operation"}, set()),
    "src_endpoint": (set(), {"ip", "uid", "name", "hostname", "svc_name", "instance_uid", "interface_uid",
                             "interface_name"}),
}  # fmt: skip
SEVERITIES = {0: "Unknown", 1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical", 6: "Fatal"}


class Acme:
    slug = "acme"


@pytest.fixture(params=[None, 7], ids=["by the portal", "by a person"])
def by(request):
    return request.param


def told(event: str, by) -> dict:
    record = Record(seq=3, event=event, at=timezone.now(), by_id=by, by_role="owner", by_token=by, on_type="thing",
                    on_id=5, thing="Thing", project="lending", facts={"a": 1}, digest=b"\0" * 32)  # fmt: skip
    record.opened = {"by": "Olivia"}
    return ocsf.event(record, organization=Acme)


@pytest.mark.parametrize("event", Event.values)
def test_an_event_has_what_its_class_requires(event, by):
    found = told(event, by)
    name, category, category_name, more, activities = CLASSES[found["class_uid"]]
    assert REQUIRED | more <= set(found)
    assert (found["class_name"], found["category_uid"], found["category_name"]) == (name, category, category_name)
    assert found["activity_id"] in activities | OTHER
    assert found["activity_name"] == activities.get(found["activity_id"], Event(event).label)
    assert found["type_uid"] == found["class_uid"] * 100 + found["activity_id"]
    assert SEVERITIES[found["severity_id"]] == found["severity"]
    assert isinstance(found["time"], int) and found["status_id"] in (1, 2)
    for attribute, (required, one_of) in OBJECTS.items():
        if attribute in found:
            assert required <= set(found[attribute])
            assert not one_of or one_of & {word for word, value in found[attribute].items() if value not in ("", None)}
    assert found["actor"]["user"]["type_id"] == (3 if by is None else 1)


def test_every_kind_of_class_is_used_and_none_unknown():
    assert {told(event, 7)["class_uid"] for event in Event.values} == set(CLASSES)


def test_every_noun_with_a_class_of_its_own_is_a_noun_of_the_record():
    assert set(ocsf.CLASSES) <= {event.split(".")[0] for event in Event.values}
