"""The incident register over REST: the same verbs as the pages."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.response import Response

from apps.common.api import Choice, Door, Page, file_answers
from apps.incidents import actions, packs, queries, rules
from apps.incidents.models import Confirmation, Duty, Entry, Incident, Notice, Severity, Signature, Stage

LARGEST = 2**63 - 1


class FactsInput(serializers.Serializer):
    """Everything that is known, whole; each question is answered."""

    model_versions = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST), min_length=1, max_length=200,
        help_text="Those it affects.",
    )  # fmt: skip
    severity = Choice(Severity.choices)
    occurred_at = serializers.DateTimeField()
    aware_at = serializers.DateTimeField(help_text="Every clock counts from here; an amendment never moves it later.")
    source = serializers.CharField(max_length=500, help_text="How it became known.")
    data_reported = serializers.CharField(max_length=4000, help_text="What came with the report.")
    description = serializers.CharField(max_length=8000, help_text="Facts alone; what is not known is said so.")
    impacts = serializers.CharField(max_length=4000)
    stakeholders = serializers.CharField(max_length=4000, help_text="Groups, never names.")
    harm_to_people = serializers.BooleanField(help_text="AI Act, Art. 3(49)(a)")
    critical_infrastructure = serializers.BooleanField(help_text="AI Act, Art. 3(49)(b)")
    fundamental_rights = serializers.BooleanField(help_text="AI Act, Art. 3(49)(c)")
    harm_to_property = serializers.BooleanField(help_text="AI Act, Art. 3(49)(d)")
    death = serializers.BooleanField()
    widespread = serializers.BooleanField(help_text="A widespread infringement, AI Act, Art. 3(61)")
    personal_data = serializers.BooleanField(help_text="A breach of personal data, GDPR, Art. 4(12)")


class ReportInput(FactsInput):
    project = serializers.CharField(max_length=80)
    title = serializers.CharField(max_length=200)
    suspend = serializers.BooleanField(default=False, help_text="Suspend the sign-offs of what it affects at once.")


class AmendmentInput(FactsInput):
    entry_digest = serializers.CharField(max_length=64, help_text="Of the newest entry, which it amends.")
    reason = serializers.CharField(max_length=2000, help_text="What is new, and how it became known.")


class NoticeInput(serializers.Serializer):
    duty = Choice(Duty.choices)
    stage = Choice(Stage.choices)
    who = serializers.CharField(max_length=200)
    how = serializers.CharField(max_length=200)
    told_at = serializers.DateTimeField()
    reference = serializers.CharField(max_length=200, allow_blank=True, default="")
    note = serializers.CharField(max_length=2000, allow_blank=True, default="", help_text="Why late, or not required.")


class SignedInput(serializers.Serializer):
    entry_digest = serializers.CharField(max_length=64, help_text="Of the newest entry, as it was read.")
    password = serializers.CharField(max_length=200, trim_whitespace=False, help_text="Your own, once more.")
    code = serializers.CharField(
        max_length=20,
        allow_blank=True,
        default="",
        help_text="Where you have enrolled one. A passkey answers on a page, and never to a program.",
    )


class EvidenceReleaseInput(SignedInput):
    reason = serializers.CharField(max_length=2000)


class ClosureInput(SignedInput):
    root_cause = serializers.CharField(max_length=4000)
    corrective_action = serializers.CharField(max_length=4000)
    verification = serializers.CharField(max_length=4000)
    hazards = serializers.CharField(max_length=4000, help_text="Which hazards of the risk assessment it opened again.")


class RegisterConfirmationInput(serializers.Serializer):
    project = serializers.CharField(max_length=80)
    note = serializers.CharField(max_length=1000, allow_blank=True, default="")


class EntryOutput(serializers.ModelSerializer):
    model_versions = serializers.ListField(child=serializers.IntegerField(), source="versions")
    serious = serializers.BooleanField()
    by = serializers.CharField(source="by.user")

    class Meta:
        model = Entry
        fields = ["number", "model_versions", "severity", "serious", "occurred_at", "aware_at", *rules.WORDS,
                  *rules.FLAGS, "by_deployer", "authority_due_at", "protection_due_at", "reason", "by", "at",
                  "digest"]  # fmt: skip


class ClockOutput(serializers.Serializer):
    duty = serializers.CharField()
    due_at = serializers.DateTimeField(help_text="“At once” is the rule; this is the outer limit.")
    status = serializers.CharField(help_text="due, overdue, incomplete or told; with “, late” where it was.")
    first_told_at = serializers.DateTimeField(source="first.told_at", default=None, allow_null=True)
    final = serializers.BooleanField()


class NoticeOutput(serializers.ModelSerializer):
    by = serializers.CharField(source="by.user")

    class Meta:
        model = Notice
        fields = ["id", "duty", "stage", "who", "how", "reference", "note", "told_at", "follows", "by", "at"]


class IncidentSignatureOutput(serializers.ModelSerializer):
    words = serializers.CharField(source="get_purpose_display")

    class Meta:
        model = Signature
        fields = ["purpose", "words", "printed_name", "said", "entry_digest", "signed_at", "digest", "envelope"]


class IncidentOutput(serializers.ModelSerializer):
    url = Page()
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    reported_by = serializers.CharField(source="reported_by.user")
    severity = serializers.CharField()
    serious = serializers.BooleanField(help_text="By its newest entry (AI Act, Art. 3(49)).")
    aware_at = serializers.DateTimeField()
    closed = serializers.BooleanField()
    overdue = serializers.BooleanField(help_text="Somebody was to be told by now, and nobody says that they were.")
    next_due = serializers.DateTimeField(allow_null=True)

    class Meta:
        model = Incident
        fields = ["id", "url", "project", "title", "reported_by", "reported_at", "severity", "serious", "aware_at",
                  "closed", "overdue", "next_due"]  # fmt: skip


class IncidentWhole(IncidentOutput):
    answer = serializers.SerializerMethodField()
    entries = serializers.SerializerMethodField(help_text="Oldest first; the last counts.")
    duties = serializers.SerializerMethodField(help_text="In the order in which they are to be met.")
    notices = serializers.SerializerMethodField()
    signatures = serializers.SerializerMethodField()
    evidence_held = serializers.SerializerMethodField(help_text="Until two people have signed its release.")

    class Meta(IncidentOutput.Meta):
        fields = [*IncidentOutput.Meta.fields, "answer", "duties", "notices", "evidence_held", "signatures", "entries"]

    def to_representation(self, incident):
        self.case = queries.case(incident)
        return super().to_representation(incident)

    def get_answer(self, incident) -> str:
        return self.case.answer

    def get_evidence_held(self, incident) -> bool:
        return self.case.held

    @extend_schema_field(EntryOutput(many=True))
    def get_entries(self, incident):
        return EntryOutput(self.case.entries, many=True).data

    @extend_schema_field(ClockOutput(many=True))
    def get_duties(self, incident):
        return ClockOutput(self.case.clocks, many=True).data

    @extend_schema_field(NoticeOutput(many=True))
    def get_notices(self, incident):
        return NoticeOutput(self.case.notices, many=True).data

    @extend_schema_field(IncidentSignatureOutput(many=True))
    def get_signatures(self, incident):
        return IncidentSignatureOutput(self.case.signatures, many=True).data


class RegisterConfirmationOutput(serializers.ModelSerializer):
    project = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    by = serializers.CharField(source="by.user")

    class Meta:
        model = Confirmation
        fields = ["id", "project", "incidents", "note", "by", "at"]


class OneIncident(Door):
    """What the doors of one incident share: it is found for who asks, or 404."""

    def incident(self, pk) -> Incident:
        return get_object_or_404(queries.incidents(viewer=self.by), pk=pk)

    def told(self, incident: Incident, *, code: int = status.HTTP_200_OK):
        return self.answer(IncidentWhole, self.incident(incident.pk), status=code)

    def facts(self, shape, project=None) -> dict:
        """What was sent, with the model versions found for who asks."""
        given = self.read(shape)
        if project is None:
            project = given["project"] = queries.project_named(given["project"], viewer=self.by)
        pks = given["model_versions"]
        given["model_versions"] = queries.named_versions(viewer=self.by, project=project, pks=pks)
        return given


class IncidentList(OneIncident):
    @extend_schema(
        responses=IncidentOutput(many=True),
        operation_id="incidents_list",
        parameters=[OpenApiParameter("project", str), OpenApiParameter("state", str, enum=queries.STATES)],
    )
    def get(self, request):
        """The register, newest first."""
        rows = queries.incidents(viewer=self.by)
        if project := request.query_params.get("project"):
            rows = rows.filter(project__slug=project)
        return self.slice(IncidentOutput, queries.in_state(rows, self.word("state", among=queries.STATES)))

    @extend_schema(request=ReportInput, responses={201: IncidentWhole}, operation_id="incidents_report")
    def post(self, request):
        """Open an incident with what is known of it. A serious one holds its evidence at once."""
        given = self.facts(ReportInput)
        return self.told(actions.report(by=self.by, **given), code=status.HTTP_201_CREATED)


class IncidentDetail(OneIncident):
    @extend_schema(responses=IncidentWhole, operation_id="incidents_read")
    def get(self, request, pk):
        return self.told(self.incident(pk))


class Entries(OneIncident):
    @extend_schema(request=AmendmentInput, responses={201: IncidentWhole}, operation_id="incidents_amend")
    def post(self, request, pk):
        """Say anew, and whole, what is known; what was said before stays."""
        incident = self.incident(pk)
        actions.amend(incident, by=self.by, **self.facts(AmendmentInput, incident.project))
        return self.told(incident, code=status.HTTP_201_CREATED)


class Suspension(OneIncident):
    @extend_schema(request=None, responses={201: IncidentWhole}, operation_id="incidents_suspend")
    def post(self, request, pk):
        """Suspend every approved sign-off of what it affects, at once."""
        incident = self.incident(pk)
        actions.suspend(incident, by=self.by)
        return self.told(incident, code=status.HTTP_201_CREATED)


class Notices(OneIncident):
    @extend_schema(request=NoticeInput, responses={201: IncidentWhole}, operation_id="incidents_notify")
    def post(self, request, pk):
        """Keep that somebody who must be told was told; the portal sends nothing itself."""
        incident = self.incident(pk)
        actions.notify(incident, by=self.by, **self.read(NoticeInput))
        return self.told(incident, code=status.HTTP_201_CREATED)


class Release(OneIncident):
    @extend_schema(request=EvidenceReleaseInput, responses={201: IncidentWhole}, operation_id="incidents_release")
    def post(self, request, pk):
        """Ask, as the first of two and under your name, for the evidence to be released."""
        incident = self.incident(pk)
        actions.ask_release(incident, by=self.by, **self.read(EvidenceReleaseInput))
        return self.told(incident, code=status.HTTP_201_CREATED)


class ReleaseGrant(OneIncident):
    @extend_schema(request=EvidenceReleaseInput, responses={201: IncidentWhole}, operation_id="incidents_release_grant")
    def post(self, request, pk):
        """Grant it, as the second and under your name."""
        incident = self.incident(pk)
        actions.release(incident, by=self.by, **self.read(EvidenceReleaseInput))
        return self.told(incident, code=status.HTTP_201_CREATED)


class Closure(OneIncident):
    @extend_schema(request=ClosureInput, responses={201: IncidentWhole}, operation_id="incidents_close")
    def post(self, request, pk):
        """Close it under your name; whoever reported it does not."""
        incident = self.incident(pk)
        actions.close(incident, by=self.by, **self.read(ClosureInput))
        return self.told(incident, code=status.HTTP_201_CREATED)


class PackOfIncident(OneIncident):
    @extend_schema(
        responses=file_answers(*packs.TYPES.values()),
        parameters=[OpenApiParameter("form", str, OpenApiParameter.PATH, enum=[*packs.TYPES])],
        operation_id="incidents_pack",
    )
    def get(self, request, pk, form):
        """Everything kept of it: a DSSE envelope around an in-toto statement, or a document that carries it."""
        incident = self.incident(pk)
        if form not in packs.TYPES:
            raise Http404
        pack = actions.take(incident, form=form, by=self.by)
        answer = HttpResponse(pack.content, content_type=pack.media_type)
        answer["Content-Disposition"] = f'attachment; filename="{pack.filename}"'
        return answer


class Confirmations(Door):
    @extend_schema(
        responses=RegisterConfirmationOutput(many=True),
        operation_id="incident_confirmations_list",
        parameters=[OpenApiParameter("project", str)],
    )
    def get(self, request):
        """Who looked through which project's register, newest first."""
        rows = queries.confirmations(viewer=self.by)
        if project := request.query_params.get("project"):
            rows = rows.filter(project__slug=project)
        return self.slice(RegisterConfirmationOutput, rows)

    @extend_schema(
        request=RegisterConfirmationInput,
        responses={201: RegisterConfirmationOutput},
        operation_id="incident_confirmations_confirm",
    )
    def post(self, request):
        """Say that nothing is missing in a project's register."""
        given = self.read(RegisterConfirmationInput)
        project = queries.project_named(given.pop("project"), viewer=self.by)
        made = actions.confirm(project, by=self.by, **given)
        return Response(RegisterConfirmationOutput(made).data, status=status.HTTP_201_CREATED)
