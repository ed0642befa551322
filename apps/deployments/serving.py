"""The door of the serving process: rows in, predictions out. The pages' process never imports it."""

from django.shortcuts import get_object_or_404
from rest_framework.exceptions import Throttled
from rest_framework.response import Response

from apps.common.api import Door
from apps.deployments import queries, runs
from apps.deployments.shapes import AnswerOutput, RowsInput


class Predict(Door):
    def post(self, request, pk):
        """Sign-off and permit are judged for every request, so that revoking stops the next one."""
        deployment = get_object_or_404(queries.deployments(viewer=self.by), pk=pk)
        loaded = runs.predicting(deployment, by=self.by)  # who may not is told so before what they sent is read
        rows = self.read(RowsInput)["rows"]
        version = deployment.model_version
        try:
            said = runs.answer(loaded, rows)
        except runs.TooMany as many:
            raise Throttled(many.wait, str(many)) from many
        answer = {
            "deployment": deployment.pk,
            "model_version": str(version),
            "artifact_digest": version.artifact_digest,
            "approval": deployment.approval_id,
            **said,
        }
        return Response(AnswerOutput(answer).data)
