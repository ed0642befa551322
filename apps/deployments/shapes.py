"""What goes into a deployed model and what comes out, for the door that forwards and the one that answers."""

from rest_framework import serializers

from apps.deployments.models import MOST_ROWS


class RowsInput(serializers.Serializer):
    rows = serializers.ListField(
        child=serializers.DictField(),
        allow_empty=False,
        max_length=MOST_ROWS,
        help_text="Each row an object with one value for each input; null where it is missing.",
    )


class PredictionOutput(serializers.Serializer):
    probability = serializers.FloatField(help_text="Of the favourable outcome.")
    favourable = serializers.BooleanField(help_text="Whether the probability reaches the threshold.")


class AnswerOutput(serializers.Serializer):
    deployment = serializers.IntegerField()
    model_version = serializers.CharField()
    artifact_digest = serializers.CharField(help_text="SHA-256 of the model that answered.")
    approval = serializers.IntegerField(help_text="The sign-off it rests on.")
    target = serializers.CharField()
    favourable_value = serializers.CharField()
    threshold = serializers.FloatField()
    predictions = PredictionOutput(many=True)
