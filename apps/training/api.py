"""Programs' door to runs and workers."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status

from apps.common.api import Choice, Door, Page
from apps.common.errors import NothingThere
from apps.common.work import WorkState
from apps.datasets import queries as datasets
from apps.projects import queries as projects
from apps.training import actions, queries, rules

KNOBS = "Knobs by name. " + " ".join(
    f"{each.name}: {', '.join(knob.name for knob in each.knobs)}." for each in rules.ESTIMATORS.values()
)


class RecipeInput(serializers.Serializer):
    """What is left out has its default."""

    estimator = Choice(choices=[(each.name, each.label) for each in rules.ESTIMATORS.values()])
    inputs_sensitive = serializers.BooleanField(default=False)
    test_share = serializers.FloatField(required=False)
    seed = serializers.IntegerField(required=False)
    folds = serializers.IntegerField(required=False)
    class_weight = serializers.BooleanField(default=False)
    hyper = serializers.DictField(child=serializers.JSONField(), default=dict, help_text=KNOBS)


class LaunchInput(serializers.Serializer):
    project = serializers.SlugField()
    model = serializers.CharField(max_length=80, help_text="Its name; a run makes its next version.")
    dataset_version = serializers.IntegerField(min_value=1)
    test_dataset_version = serializers.IntegerField(min_value=1, required=False, allow_null=True)
    recipe = RecipeInput()
    gpu = serializers.BooleanField(default=False)


class RunOutput(serializers.Serializer):
    id = serializers.IntegerField(source="pk")
    url = Page()
    project = serializers.CharField(source="project.slug")
    model = serializers.CharField(source="model.name")
    model_version = serializers.IntegerField(source="model_version_id", allow_null=True)
    dataset_version = serializers.IntegerField(source="dataset_version_id")
    test_dataset_version = serializers.IntegerField(source="test_dataset_version_id", allow_null=True)
    recipe = serializers.JSONField()
    state = serializers.CharField()
    queue = serializers.CharField()
    waiting_reason = serializers.SerializerMethodField(help_text="Why a queued run has not begun.")
    progress = serializers.JSONField()
    history = serializers.JSONField()
    spent = serializers.DictField(allow_null=True, help_text="Privacy spent, also by a run that failed.")
    problem = serializers.CharField()
    worker = serializers.CharField()
    attempt = serializers.IntegerField()
    cancel_requested = serializers.BooleanField()
    started_by = serializers.CharField(source="started_by.user.__str__")
    queued_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_waiting_reason(self, run) -> str:
        return rules.why_waiting(run, self.workers()) if run.state == WorkState.QUEUED else ""

    def workers(self):
        """The live workers, asked for once an answer."""
        if "workers" not in self.context:
            self.context["workers"] = list(queries.live_workers())
        return self.context["workers"]


class LineOutput(serializers.Serializer):
    at = serializers.DateTimeField()
    text = serializers.CharField()


class WorkerOutput(serializers.Serializer):
    name = serializers.CharField()
    queues = serializers.ListField(child=serializers.CharField())
    device = serializers.JSONField()
    memory = serializers.IntegerField(help_text="Bytes in its machine.")
    cores = serializers.IntegerField()
    seen_at = serializers.DateTimeField()


class RunList(Door):
    @extend_schema(
        operation_id="runs_list",
        parameters=[
            OpenApiParameter("project", str, description="slug of a project"),
            OpenApiParameter("state", str, enum=WorkState.values),
        ],
        responses=RunOutput(many=True),
    )
    def get(self, request):
        """Every training run of the organization, newest first."""
        found = queries.runs(viewer=self.by)
        if slug := request.query_params.get("project"):
            found = found.filter(project__slug=slug)
        if state := self.word("state", among=WorkState.values):
            found = found.filter(state=state)
        return self.slice(RunOutput, found)

    @extend_schema(operation_id="runs_launch", request=LaunchInput, responses={201: RunOutput})
    def post(self, request):
        """Launch a run: it waits for a worker, learns, and ends as the next version of the model of this name."""
        given = self.read(LaunchInput)
        project = projects.named(viewer=self.by, slug=given.pop("project"))
        for name in ("dataset_version", "test_dataset_version"):
            given[name] = self._data(project, name, given.get(name))
        return self.answer(RunOutput, actions.launch(project, by=self.by, **given), status=status.HTTP_201_CREATED)

    def _data(self, project, name, pk):
        if pk is None:
            return None
        found = datasets.versions(viewer=self.by, project=project).filter(pk=pk).first()
        if found is None:
            raise NothingThere({name: "There is no such data in this project."})
        return found


class RunDetail(Door):
    @extend_schema(operation_id="runs_read", responses=RunOutput)
    def get(self, request, pk):
        """One run: how far it is, how its loss falls, and what came of it."""
        return self.answer(RunOutput, _run(self.by, pk))


class RunLog(Door):
    @extend_schema(operation_id="runs_log", responses=LineOutput(many=True))
    def get(self, request, pk):
        """What a run said, newest first."""
        return self.slice(LineOutput, queries.log(_run(self.by, pk), viewer=self.by))


class RunCancellation(Door):
    @extend_schema(operation_id="runs_cancel", request=None, responses=RunOutput)
    def post(self, request, pk):
        """Stop a run: at once where nobody has begun it, at the next step of its worker otherwise."""
        actions.cancel(_run(self.by, pk), by=self.by)
        return self.answer(RunOutput, _run(self.by, pk))


class WorkerList(Door):
    @extend_schema(operation_id="workers_list", responses=WorkerOutput(many=True))
    def get(self, request):
        """The workers of this portal that are alive, for every organization the same."""
        return self.slice(WorkerOutput, queries.live_workers())


def _run(viewer, pk):
    return get_object_or_404(queries.runs(viewer=viewer), pk=pk)
