"""The door of the serving process: rows in, predictions out. The pages' process never imports it."""

from django.shortcuts import get_object_or_404
from rest_framework.response import Response

from apps.accounts.permissions import Permission, require
from apps.common.api import Door
from apps.common.errors import ActionDenied
from apps.deployments import queries, rules, runs
from apps.deployments.shapes import AnswerOutput, RowsInput


class Predict(Door):
    def post(self, request, pk):
        """The sign-off is judged for every request, so that revoking it stops the next one."""
        require(self.by, Permission.PREDICT)
        deployment = get_object_or_404(queries.deployments(viewer=self.by), pk=pk)
        reasons = queries.why_it_does_not_stand(deployment)
        if objection := rules.why_not_answer(deployment, reasons):
            raise ActionDenied(objection)
        rows = self.read(RowsInput)["rows"]
        version = deployment.model_version
        answer = {
            "deployment": deployment.pk,
            "model_version": str(version),
            "artifact_digest": version.artifact_digest,
            "approval": deployment.approval_id,
            **runs.terms(version),
            "predictions": runs.predict(version, rows),
        }
        return Response(AnswerOutput(answer).data)
