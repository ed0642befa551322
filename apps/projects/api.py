"""Projects over REST: the same verbs as the pages."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from apps.common.api import Choice, Door, Page
from apps.common.errors import NothingThere
from apps.projects import actions, queries, rules
from apps.projects.models import Project, RiskClass

ANSWERS = "Every question of /risk-questions/ by its name, answered true or false."
SEEN = "`changed_at` as it was read; refused with 409 if somebody changed the project since."


class ProjectOutput(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.user")
    because = serializers.SerializerMethodField(help_text="Why the answers ask for this class at least.")
    answers = serializers.DictField(child=serializers.BooleanField())
    url = Page()

    class Meta:
        model = Project
        fields = ["slug", "name", "purpose", "owner", "owner_id", "risk_class", "because", "answers"]
        fields += ["created_at", "changed_at", "closed_at", "url"]

    def get_because(self, project) -> str:
        return rules.because(project.answers)


class RiskInput(serializers.Serializer):
    answers = serializers.DictField(child=serializers.BooleanField(), help_text=ANSWERS)
    risk_class = Choice(
        choices=RiskClass.choices, required=False, help_text="To raise the class above what the answers ask."
    )


class RiskChange(RiskInput):
    changed_at = serializers.DateTimeField(required=False, source="seen", help_text=SEEN)


class ProjectInput(RiskInput):
    name = serializers.CharField(max_length=120)
    purpose = serializers.CharField(max_length=4000)
    owner = serializers.IntegerField(required=False, help_text="A member's id; yourself if left out.")


class ProjectChange(serializers.Serializer):
    name = serializers.CharField(max_length=120, required=False)
    purpose = serializers.CharField(max_length=4000, required=False)
    owner = serializers.IntegerField(required=False, help_text="A member's id.")
    changed_at = serializers.DateTimeField(required=False, source="seen", help_text=SEEN)


class ClosingInput(serializers.Serializer):
    reason = serializers.CharField(max_length=1000)


class QuestionOutput(serializers.Serializer):
    name = serializers.CharField()
    group = serializers.CharField()
    text = serializers.CharField()
    reference = serializers.CharField()
    makes = serializers.CharField(help_text="The least class a yes leads to.")
    needs = serializers.CharField(help_text="The question that must be yes for this one to be; or nothing.")


class _Projects(Door):
    def read_with_owner(self, serializer_class) -> dict:
        """The body, with the owner's id made a member of this organization."""
        body = self.read(serializer_class)
        if "owner" in body:
            body["owner"] = queries.possible_owners(viewer=self.by).filter(pk=body["owner"]).first()
            if body["owner"] is None:
                raise NothingThere({"owner": "There is no such member in this organization."})
        return body


class ProjectList(_Projects):
    @extend_schema(
        responses=ProjectOutput(many=True),
        operation_id="projects_list",
        parameters=[OpenApiParameter("closed", bool, description="Only closed ones, or only open ones.")],
    )
    def get(self, request):
        found = queries.projects(viewer=self.by)
        if closed := self.word("closed", among=("true", "false")):
            found = found.filter(closed_at__isnull=closed == "false")
        return self.slice(ProjectOutput, found)

    @extend_schema(request=ProjectInput, responses={201: ProjectOutput}, operation_id="projects_open")
    def post(self, request):
        project = actions.open_project(by=self.by, **self.read_with_owner(ProjectInput))
        return self.answer(ProjectOutput, project, status=status.HTTP_201_CREATED)


class ProjectDetail(_Projects):
    @extend_schema(responses=ProjectOutput, operation_id="projects_read")
    def get(self, request):
        return self.answer(ProjectOutput, request.project)

    @extend_schema(request=ProjectChange, responses=ProjectOutput, operation_id="projects_change")
    def patch(self, request):
        changed = actions.change(request.project, by=self.by, **self.read_with_owner(ProjectChange))
        return self.answer(ProjectOutput, changed)


class ProjectRisk(Door):
    @extend_schema(request=RiskChange, responses=ProjectOutput, operation_id="projects_classify")
    def put(self, request):
        return self.answer(ProjectOutput, actions.classify(request.project, by=self.by, **self.read(RiskChange)))


class ProjectClosing(Door):
    @extend_schema(request=ClosingInput, responses=ProjectOutput, operation_id="projects_close")
    def post(self, request):
        return self.answer(ProjectOutput, actions.close(request.project, by=self.by, **self.read(ClosingInput)))


class RiskQuestions(Door):
    @extend_schema(responses=QuestionOutput(many=True), operation_id="risk_questions_list")
    def get(self, request):
        return Response({"results": QuestionOutput(rules.QUESTIONS, many=True).data, "next": None})
