"""People and keys over REST. A secret is in the answer that made it and in no other, not even in its repetition."""

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from apps.accounts import actions, queries, rules
from apps.accounts.idempotency import shown_once
from apps.accounts.models import Invitation, Membership, Role, Token
from apps.accounts.permissions import Permission
from apps.common.api import Choice, Door


class Bearer(OpenApiAuthenticationExtension):
    """How the generated schema says who asks."""

    target_class = "apps.common.authentication.MembershipAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema) -> dict:
        return {"type": "http", "scheme": "bearer", "description": "An API token of a member of the organization."}


class MemberOutput(serializers.ModelSerializer):
    name = serializers.CharField(source="user.name")
    email = serializers.EmailField(source="user.email")

    class Meta:
        model = Membership
        fields = ["id", "name", "email", "role", "is_active", "joined_at"]


class RoleInput(serializers.Serializer):
    role = Choice(choices=Role.choices)


class ErasureInput(serializers.Serializer):
    reason = serializers.CharField(max_length=500, help_text="It stands in the record: do not name the person here.")


class InvitationInput(RoleInput):
    email = serializers.EmailField(max_length=254)


class InvitationOutput(serializers.ModelSerializer):
    state = serializers.CharField()
    invited_by = serializers.CharField(source="invited_by.user", default=None, allow_null=True)

    class Meta:
        model = Invitation
        fields = ["id", "email", "role", "state", "invited_by", "created_at", "expires_at"]


class InvitationMade(InvitationOutput):
    link = serializers.SerializerMethodField(help_text="Opens the way in; shown in this answer only.")

    class Meta(InvitationOutput.Meta):
        fields = [*InvitationOutput.Meta.fields, "link"]

    def get_link(self, invitation) -> str:
        return self.context["request"].build_absolute_uri(reverse("invitation", args=[self.context["secret"]]))


class TokenInput(serializers.Serializer):
    name = serializers.CharField(max_length=80)
    scopes = serializers.ListField(child=Choice(choices=Permission.choices), allow_empty=False)
    days = serializers.IntegerField(min_value=1, max_value=rules.TOKEN_DAYS_MOST, default=rules.TOKEN_DAYS)


class TokenOutput(serializers.ModelSerializer):
    state = serializers.CharField()
    member = serializers.CharField(source="membership.user")
    scopes = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Token
        fields = ["id", "name", "prefix", "member", "scopes", "state", "created_at", "expires_at", "last_used_at"]


class TokenMade(TokenOutput):
    secret = serializers.SerializerMethodField(help_text="Send it as `Authorization: Bearer …`; in this answer only.")

    class Meta(TokenOutput.Meta):
        fields = [*TokenOutput.Meta.fields, "secret"]

    def get_secret(self, token) -> str:
        return self.context["secret"]


class PermissionRow(serializers.Serializer):
    word = serializers.CharField()
    lets = serializers.CharField(help_text="What it lets one do, as the page says it.")
    roles = serializers.ListField(child=serializers.CharField())


class MeOutput(MemberOutput):
    organization: serializers.SlugRelatedField = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    permissions = serializers.SerializerMethodField(
        help_text="What this request may do: the role's words, within the token's scopes."
    )
    token = TokenOutput(allow_null=True)

    class Meta(MemberOutput.Meta):
        fields = [*MemberOutput.Meta.fields, "organization", "permissions", "token"]

    def get_permissions(self, membership) -> list[str]:
        return [word.value for word in rules.scopes_of(membership)]


class Me(Door):
    @extend_schema(responses=MeOutput, operation_id="me")
    def get(self, request):
        return self.answer(MeOutput, self.by)


class MemberList(Door):
    @extend_schema(responses=MemberOutput(many=True), operation_id="members_list")
    def get(self, request):
        return self.slice(MemberOutput, queries.members(viewer=self.by))


class MemberDetail(Door):
    def member(self, pk) -> Membership:
        return get_object_or_404(queries.members(viewer=self.by), pk=pk)

    @extend_schema(responses=MemberOutput, operation_id="members_read")
    def get(self, request, pk):
        return self.answer(MemberOutput, self.member(pk))

    @extend_schema(request=RoleInput, responses=MemberOutput, operation_id="members_change_role")
    def patch(self, request, pk):
        member = self.member(pk)
        return self.answer(MemberOutput, actions.change_role(member, by=self.by, **self.read(RoleInput)))

    @extend_schema(responses={204: None}, operation_id="members_remove")
    def delete(self, request, pk):
        actions.remove(self.member(pk), by=self.by)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MemberErasure(Door):
    @extend_schema(request=ErasureInput, responses={204: None}, operation_id="members_erase")
    def post(self, request, pk):
        """Erase from the record who a former member was. Proofs still verify; signatures keep their printed name."""
        member = get_object_or_404(queries.members(viewer=self.by), pk=pk)
        actions.erase(member, by=self.by, **self.read(ErasureInput))
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationList(Door):
    @extend_schema(responses=InvitationOutput(many=True), operation_id="invitations_list")
    def get(self, request):
        return self.slice(InvitationOutput, queries.invitations(viewer=self.by))

    @extend_schema(request=InvitationInput, responses={201: InvitationMade}, operation_id="invitations_create")
    def post(self, request):
        invitation, secret = actions.invite(by=self.by, **self.read(InvitationInput))
        return _answer_once(self, InvitationMade, invitation, secret, "link")


class InvitationErasure(Door):
    @extend_schema(request=ErasureInput, responses={204: None}, operation_id="invitations_erase")
    def post(self, request, pk):
        """Erase the address of somebody who was invited and never joined."""
        invitation = get_object_or_404(queries.invitations(viewer=self.by), pk=pk)
        actions.erase_invitation(invitation, by=self.by, **self.read(ErasureInput))
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationDetail(Door):
    def invitation(self, pk) -> Invitation:
        return get_object_or_404(queries.invitations(viewer=self.by), pk=pk)

    @extend_schema(responses=InvitationOutput, operation_id="invitations_read")
    def get(self, request, pk):
        return self.answer(InvitationOutput, self.invitation(pk))

    @extend_schema(responses={204: None}, operation_id="invitations_revoke")
    def delete(self, request, pk):
        actions.revoke_invitation(self.invitation(pk), by=self.by)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TokenList(Door):
    @extend_schema(responses=TokenOutput(many=True), operation_id="tokens_list")
    def get(self, request):
        return self.slice(TokenOutput, queries.tokens(viewer=self.by))

    @extend_schema(request=TokenInput, responses={201: TokenMade}, operation_id="tokens_create")
    def post(self, request):
        token, secret = actions.create_token(by=self.by, **self.read(TokenInput))
        return _answer_once(self, TokenMade, token, secret, "secret")


class TokenDetail(Door):
    def token(self, pk) -> Token:
        return get_object_or_404(queries.tokens(viewer=self.by), pk=pk)

    @extend_schema(responses=TokenOutput, operation_id="tokens_read")
    def get(self, request, pk):
        return self.answer(TokenOutput, self.token(pk))

    @extend_schema(responses={204: None}, operation_id="tokens_revoke")
    def delete(self, request, pk):
        actions.revoke_token(self.token(pk), by=self.by)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Permissions(Door):
    @extend_schema(responses=PermissionRow(many=True), operation_id="permissions_list")
    def get(self, request):
        return Response({"results": PermissionRow(queries.permission_table(), many=True).data, "next": None})


def _answer_once(door: Door, serializer_class, thing, secret: str, field: str) -> Response:
    """201 with a secret; repeated for the same Idempotency-Key, the answer has null in its place."""
    data = serializer_class(thing, context={"request": door.request, "secret": secret}).data
    return shown_once(Response(data, status=status.HTTP_201_CREATED), **{field: None})
