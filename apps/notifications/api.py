"""Programs' door to the destinations of events."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from apps.accounts.idempotency import shown_once
from apps.audits.events import Event
from apps.common.api import Choice, Door, Page
from apps.notifications import actions, queries
from apps.notifications.models import Destination, Kind


def _events(**options):
    choice = Choice(choices=Event.choices)
    return serializers.ListField(child=choice, max_length=len(Event), help_text="Which; none: all.", **options)


class DestinationInput(serializers.Serializer):
    kind = Choice(choices=Kind.choices)
    name = serializers.CharField(required=False, default="", max_length=120, allow_blank=True)
    address = serializers.CharField(max_length=500, help_text="https://…; one POST a message")
    token = serializers.CharField(
        required=False, default="", max_length=1000, allow_blank=True, help_text="of a SIEM; kept sealed, never shown"
    )
    events = _events(required=False, default=list)
    after = serializers.IntegerField(
        required=False, default=None, allow_null=True, min_value=0, max_value=2**63 - 1,
        help_text="the record after which it begins: 0 for the whole record, null for what happens from now on",
    )  # fmt: skip


class DestinationChange(serializers.Serializer):
    name = serializers.CharField(max_length=120)
    events = _events()


class SecretInput(serializers.Serializer):
    token = serializers.CharField(
        required=False, default="", max_length=1000, allow_blank=True, help_text="the new one of a SIEM"
    )


class DestinationOutput(serializers.ModelSerializer):
    address = serializers.CharField(source="where", help_text="without what follows a question mark")
    state = serializers.CharField(help_text="live, failing, paused or removed")
    events = serializers.ListField(child=serializers.CharField(), help_text="none: all")
    lag = serializers.IntegerField(help_text="records after the cursor")
    behind_since = serializers.DateTimeField(allow_null=True, help_text="the moment of the first of them")
    url = Page()

    class Meta:
        model = Destination
        fields = ["id", "url", "kind", "name", "address", "events", "state", "verifier", "made_at", "paused_at",
                  "paused_why", "removed_at", "cursor", "lag", "behind_since", "attempts", "tried_at", "next_at",
                  "status", "problem", "arrived_at", "failing_since", "tested_at", "test_answer",
                  "before_until"]  # fmt: skip


class DestinationMade(DestinationOutput):
    secret = serializers.SerializerMethodField(help_text="whsec_…, of a webhook that shares one; in this answer only.")

    class Meta(DestinationOutput.Meta):
        fields = [*DestinationOutput.Meta.fields, "secret"]

    def get_secret(self, destination) -> str:
        return self.context["secret"]


class DestinationDoor(Door):
    def destination(self, pk):
        return get_object_or_404(queries.destinations(viewer=self.by), pk=pk)

    def once(self, pk: int, secret: str) -> Response:
        context = {"request": self.request, "secret": secret}
        data = DestinationMade(self.destination(pk), context=context).data
        return shown_once(Response(data, status=status.HTTP_201_CREATED), secret="")


class DestinationList(DestinationDoor):
    @extend_schema(operation_id="destinations_list", responses=DestinationOutput(many=True))
    def get(self, request):
        return self.slice(DestinationOutput, queries.destinations(viewer=self.by))

    @extend_schema(operation_id="destinations_make", request=DestinationInput, responses={201: DestinationMade})
    def post(self, request):
        """Send the record to a server of yours: a SIEM (OCSF) or a webhook (Standard Webhooks)."""
        row, secret = actions.make(by=self.by, **self.read(DestinationInput))
        return self.once(row.pk, secret)


class DestinationDetail(DestinationDoor):
    @extend_schema(operation_id="destinations_read", responses=DestinationOutput)
    def get(self, request, pk):
        return self.answer(DestinationOutput, self.destination(pk))

    @extend_schema(operation_id="destinations_change", request=DestinationChange, responses=DestinationOutput)
    def patch(self, request, pk):
        row = self.destination(pk)
        given = {"name": row.name, "events": row.events} | self.read(DestinationChange, partial=True)
        actions.change(row, by=self.by, **given)
        return self.answer(DestinationOutput, self.destination(pk))

    @extend_schema(operation_id="destinations_remove", responses={204: None})
    def delete(self, request, pk):
        """It is sent nothing more, and its secret is forgotten."""
        actions.remove(self.destination(pk), by=self.by)
        return Response(status=status.HTTP_204_NO_CONTENT)


class DestinationSecret(DestinationDoor):
    @extend_schema(operation_id="destinations_rotate", request=SecretInput, responses={201: DestinationMade})
    def post(self, request, pk):
        """A new secret; a webhook's old one signs beside it for a day."""
        row, secret = actions.rotate(self.destination(pk), by=self.by, **self.read(SecretInput))
        return self.once(row.pk, secret)


class DestinationTest(DestinationDoor):
    @extend_schema(operation_id="destinations_test", request=None, responses=DestinationOutput)
    def post(self, request, pk):
        """A worker sends one event that is no record; `test_answer` says what came of it."""
        actions.test(self.destination(pk), by=self.by)
        return self.answer(DestinationOutput, self.destination(pk))


class DestinationPause(DestinationDoor):
    @extend_schema(operation_id="destinations_pause", request=None, responses=DestinationOutput)
    def post(self, request, pk):
        """Nothing is sent until it is resumed; nothing is lost."""
        actions.pause(self.destination(pk), by=self.by)
        return self.answer(DestinationOutput, self.destination(pk))

    @extend_schema(operation_id="destinations_resume", responses=DestinationOutput)
    def delete(self, request, pk):
        """It goes on where it stopped, at once; so does one that is failing."""
        actions.resume(self.destination(pk), by=self.by)
        return self.answer(DestinationOutput, self.destination(pk))
